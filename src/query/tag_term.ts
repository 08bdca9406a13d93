import { QuerySyntaxError } from "../base/query_syntax_error.ts";
import { parseQuery } from "./parser.ts";
import { quoted } from "./query_text.ts";

/** A name that means itself wherever it stands; most names do. */
const PLAIN_NAME = /^[a-z0-9_][a-z0-9_'!?&+/;<>^=.-]*$/;

/**
 * The text that a search reads as exactly this tag, alone and in a group: the name as it is where that
 * says it, else in quotes (`tag:"-_-"`). `prefix` is what stands before it (`artist:`). Cost: at most two
 * parses of the name.
 */
export function toTagTerm(name: string, prefix = ""): string {
  const plain = prefix + name;
  if (prefix === "" && PLAIN_NAME.test(name) && !/^(and|or)$/.test(name)) return name;
  if (tagNameOf(plain) === name && tagNameOf(`(${plain} and all)`) === name) return plain;
  return `${prefix === "" ? "tag:" : prefix}${quoted(name.replaceAll("*", "\\*"))}`;
}

/** The tag that a search is for, or that its first word is; undefined when it is for something else. */
export function tagNameOf(text: string): string | undefined {
  try {
    const { root } = parseQuery(text);
    const first = root.kind === "and" ? root.nodes[0] : root;
    return first.kind === "tag" ? first.name : undefined;
  } catch (error) {
    if (error instanceof QuerySyntaxError) return undefined;
    throw error;
  }
}
