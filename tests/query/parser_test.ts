import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { QUERY_LENGTH_MAX, QUERY_TERMS_MAX, TAG_NAME_BYTES_MAX } from "../../src/base/limits.ts";
import { QuerySyntaxError } from "../../src/base/query_syntax_error.ts";
import { toSExpression } from "../../src/query/query_text.ts";
import { parseQuery } from "../../src/query/parser.ts";
import { runs } from "../support/tier.ts";

const VALID: [text: string, expression: string][] = [
  ["", "all"],
  [" \t\n\u0085\u3000 ", "all"],
  ["solo", "solo"],
  ["  solo  ", "solo"],
  ["solo hat", "(and solo hat)"],
  ["solo\u0085hat\u3000cap\nbow", "(and solo hat cap bow)"],
  ["-hat", "(not hat)"],
  ["solo -hat", "(and solo (not hat))"],
  ["-hat -solo", "(and (not hat) (not solo))"],
  ["Hatsune_Miku", "hatsune_miku"],
  ["ÉTÉ", "été"],
  ["cafe\u0301", "café"],
  ["日本 🎨", "(and 日本 🎨)"],
  ["re:zero", "re:zero"],
  ["a-b", "a-b"],
  ["so\u200blo", "solo"],
  ["rating:e", "rating:explicit"],
  ["rating:S", "rating:sensitive"],
  ["rating:safe", "rating:sensitive"],
  ["-rating:questionable", "(not rating:questionable)"],
  ["RATING:Gen", "rating:general"],
  ["xrating:foo", "xrating:foo"],
  [">_< :d ^_^", "(and >_< :d ^_^)"],
  ["constructor __proto__", "(and constructor __proto__)"],
  ["a b or c d", "(or (and a b) (and c d))"],
  ["a OR b And c", "(or a (and b c))"],
  ["a b and c or d", "(or (and a b c) d)"],
  ["or_else and_so", "(and or_else and_so)"],
  ["~a ~b or ~c ~d", "(or a b c d)"],
  ["a ~b ~c", "(and a (or b c))"],
  ["~a", "a"],
  ["~a and ~b", "(and a b)"],
  ["(~a) (~b)", "(and a b)"],
  ["~(a b) ~(c d)", "(or (and a b) (and c d))"],
  ["-(a b)", "(not (and a b))"],
  ["-(-a)", "a"],
  ["-(-(a or b))", "(or a b)"],
  ["( a )(b )", "(and a b)"],
  ["(9)", "9"],
  ["(a) ((b))", "(and a b)"],
  ["foo_(bar)", "foo_(bar)"],
  ["(foo_(bar))", "foo_(bar)"],
  ["(a foo_(bar))", "(and a foo_(bar))"],
  ["(a :) )", '(and a tag:":)")'],
  ["(fav:(a)", "fav:any"],
  ["(artist:x_(y))", 'artist:"x_(y)"'],
  ["a:b c:", "(and a:b c:)"],
  ["SCORE:>5", "score:6.."],
  ["score:5..1,9", "score:1..5,9"],
  ["width:0", "none"],
  ["id:any", "all"],
  ["width:any,none", "(or width:any (not width:any))"],
  ["source:", "(not has:source)"],
  ['source:"none"', 'source:"none"'],
  ["source:a\\ b", 'source:"a b"'],
  ["pool:'a\\'b'", `pool:"a'b"`],
  [".png .hack", '(and filetype:png tag:".hack")'],
  ["a***b", "a*b"],
  ["*", "*"],
  ['tag:"-x" tag:"a*"', '(and tag:"-x" a*)'],
  ["tag:a\\*b", 'tag:"a\\\\*b"'],
  ['tag:"a\\\\*b"', 'tag:"a\\\\*b"'],
];

const INVALID: [text: string, offset: number, suggestion: string | undefined][] = [
  ["-", 0, undefined],
  ["--", 0, undefined],
  ["solo -", 5, "solo"],
  ["solo - hat", 5, "solo -hat"],
  ["- hat", 0, "-hat"],
  ["--hat", 0, "-hat"],
  ["solo ---hat cap", 5, "solo -hat cap"],
  ["a - - b", 2, "a -b"],
  ["a -\u0085b", 2, "a -b"],
  ["rating:foo", 7, "rating:general"],
  ["solo rating:foo hat", 12, "solo rating:general hat"],
  ["-rating:", 8, "-rating:general"],
  ["xrating:foo rating:foo", 19, "xrating:foo rating:general"],
  ["a\u0007b", 0, undefined],
  ["solo -a\u202eb", 6, undefined],
  ["\u200b", 0, undefined],
  ["x".repeat(TAG_NAME_BYTES_MAX + 1), 0, undefined],
  [`a ${"é".repeat(TAG_NAME_BYTES_MAX)}`, 2, undefined],
  ["a\0b", 0, undefined],
  ["ok \u001b[2J", 3, undefined],
  ["a ".repeat(QUERY_TERMS_MAX) + "b", 2 * QUERY_TERMS_MAX, undefined],
  ["a".repeat(QUERY_LENGTH_MAX + 1), QUERY_LENGTH_MAX, undefined],
];

Deno.test("parseQuery() reads what is valid", () => {
  for (const [text, expression] of VALID) {
    assertEquals(toSExpression(parseQuery(text).root), expression, JSON.stringify(text));
  }
});

Deno.test("parseQuery() says where and what is wrong", () => {
  for (const [text, offset, suggestion] of INVALID) {
    const name = JSON.stringify(text.slice(0, 60));
    const error = assertThrows(() => parseQuery(text), QuerySyntaxError, "", name);
    assertEquals([error.offset, error.suggestion], [offset, suggestion], name);
    if (suggestion !== undefined) parseQuery(suggestion);
  }
});

Deno.test("parseQuery() takes as many terms and characters as are allowed", () => {
  const { root: node } = parseQuery("a ".repeat(QUERY_TERMS_MAX));
  assert(node.kind === "and");
  assertEquals(node.nodes.length, QUERY_TERMS_MAX);
  assertEquals(parseQuery(`a${" ".repeat(QUERY_LENGTH_MAX - 1)}`).root.kind, "tag");
});

Deno.test("parseQuery() parses or throws a QuerySyntaxError whose offset lies in the text", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(fc.constantFrom("a", "-", "--", " ", "rating:", "é", "\u0085", "\u0001"))
      .map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(text, (text) => {
      try {
        parseQuery(text);
      } catch (error) {
        assert(error instanceof QuerySyntaxError, String(error));
        assert(error.offset >= 0 && error.offset <= text.length);
      }
    }),
    { numRuns: runs(300, 20_000) },
  );
});

Deno.test("parseQuery() of one fault suggests a text that parses, keeping the other terms", () => {
  const term = fc.constantFrom("solo", "-hat", "rating:e", "日本", "xrating:foo");
  const fault = fc.constantFrom("-", "--", "--x", "- x", "rating:foo", "-rating:zzz");
  const terms = fc.tuple(fc.array(term, { maxLength: 3 }), fault, fc.array(term, { maxLength: 3 }));
  fc.assert(
    fc.property(terms, ([before, fault, after]) => {
      // A "-" alone before a "-hat" is one fault too; what is meant is "-hat".
      const text = [...before, fault, ...after].join(" ");
      const error = assertThrows(() => parseQuery(text), QuerySyntaxError);
      const isLast = before.length + after.length === 0;
      if (error.suggestion === undefined) assert(isLast && /^-+$/.test(fault), text);
      else {
        parseQuery(error.suggestion);
        for (const kept of before) assert(error.suggestion.includes(kept), text);
      }
    }),
    { numRuns: runs(200, 5_000) },
  );
});
