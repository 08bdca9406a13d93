import { QUERY_LENGTH_MAX, QUERY_TERMS_MAX } from "../base/limits.ts";
import { QuerySyntaxError } from "../base/query_syntax_error.ts";
import { isRatingTagName, parseRatingName, ratingTagName } from "../tags/ratings.ts";
import { normalizeTagName } from "../tags/tag_name.ts";
import type { QueryNode } from "./ast.ts";

/*
 * Grammar:
 *
 *   query = { term }             ; juxtaposition = AND; no term = every image
 *   term  = [ "-" ] tag          ; "-" = without
 *   tag   = run of anything but white space; letters in any case; rating:e = rating:explicit
 *
 * White space is Unicode's, and U+0085.
 */

const TERM = /[^\s\u0085]+/gu;

/**
 * Parses the text of a search.
 *
 * @throws {QuerySyntaxError} With the offset, if the text is too long, has too many terms, or a "-" that
 *   excludes nothing.
 */
export function parseQuery(text: string): QueryNode {
  if (text.length > QUERY_LENGTH_MAX) {
    throw new QuerySyntaxError(
      `Cannot search for ${text.length} characters: the limit is ${QUERY_LENGTH_MAX}`,
      { offset: QUERY_LENGTH_MAX },
    );
  }
  const nodes: QueryNode[] = [];
  for (const match of text.matchAll(TERM)) {
    if (nodes.length === QUERY_TERMS_MAX) {
      throw new QuerySyntaxError(`Cannot search for more than ${QUERY_TERMS_MAX} terms`, {
        offset: match.index,
      });
    }
    nodes.push(parseTerm(match[0], { text, offset: match.index }));
  }
  if (nodes.length === 0) return { kind: "all" };
  return nodes.length === 1 ? nodes[0] : { kind: "and", nodes };
}

function parseTerm(term: string, at: { text: string; offset: number }): QueryNode {
  if (!term.startsWith("-")) return parseTag(term, at);
  if (term.length === 1 || term[1] === "-") {
    const before = at.text.slice(0, at.offset);
    const rest = at.text.slice(at.offset).replace(/^[-\s\u0085]+/u, "");
    throw new QuerySyntaxError(
      term.length === 1
        ? `"-" must stand directly before a tag`
        : `"${term}" has more than one "-"`,
      {
        offset: at.offset,
        suggestion: (rest === "" ? before : `${before}-${rest}`).trim() || undefined,
      },
    );
  }
  return { kind: "not", node: parseTag(term.slice(1), { ...at, offset: at.offset + 1 }) };
}

function parseTag(term: string, at: { text: string; offset: number }): QueryNode {
  const name = normalizeTagName(term);
  if (name === undefined) {
    throw new QuerySyntaxError("A tag cannot be that long or have control characters", {
      offset: at.offset,
    });
  }
  if (!isRatingTagName(name)) return { kind: "tag", name };
  const rating = parseRatingName(name.slice(name.indexOf(":") + 1));
  if (rating === undefined) {
    throw new QuerySyntaxError(`There is no ${name}`, {
      offset: at.offset,
      suggestion: at.text.slice(0, at.offset) + ratingTagName("general") +
        at.text.slice(at.offset + term.length),
    });
  }
  return { kind: "tag", name: ratingTagName(rating) };
}
