import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseCsvLine, parseTagCsvRow, readTagCsvColumns } from "../../src/tags/tag_csv.ts";
import { runs } from "../support/tier.ts";

const PLAIN = { name: 0, category: 1, count: 2, aliases: 3 };

/** A field as RFC 4180 writes it. */
function write(field: string, isQuoted: boolean): string {
  return isQuoted || /[",]/.test(field) || field.startsWith('"')
    ? `"${field.replaceAll('"', '""')}"`
    : field;
}

Deno.test("parseCsvLine() gives back every field that was written", () => {
  const field = fc.string({ unit: "grapheme" }).filter((text) => !/[\r\n]/.test(text));
  const fields = fc.array(fc.tuple(field, fc.boolean()), { minLength: 1, maxLength: 6 });
  const property = fc.property(fields, (written) => {
    const line = written.map(([text, isQuoted]) => write(text, isQuoted)).join(",");
    assertEquals(parseCsvLine(line), written.map(([text]) => text));
  });
  fc.assert(property, { numRuns: runs(200) });
});

Deno.test("parseCsvLine() reads what lists write, and says what it cannot read", () => {
  const cases: [line: string, fields: string[] | string][] = [
    ["solo,0,123,", ["solo", "0", "123", ""]],
    ['1girl,0,5,"1girls,sole_female"', ["1girl", "0", "5", "1girls,sole_female"]],
    ['"don\'t_say_""lazy""",3,7,', ['don\'t_say_"lazy"', "3", "7", ""]],
    ['a"b,0,1', ['a"b', "0", "1"]],
    ['"",0', ["", "0"]],
    ["", [""]],
    ['"open,0,1', "a quote is not closed on its line"],
    ['"a""', "a quote is not closed on its line"],
    ['"a"b,0', "something follows a closed quote"],
  ];
  for (const [line, fields] of cases) assertEquals(parseCsvLine(line), fields, line);
});

Deno.test("readTagCsvColumns() goes by the names in the first row, else by its shape", () => {
  const cases: [line: string, columns: object, isHeader: boolean][] = [
    ["name,category,post_count,aliases", PLAIN, true],
    ["id,name,category,post_count", { name: 1, category: 2, count: 3, aliases: null }, true],
    ["Post Count,TAG,Type", { name: 1, category: 2, count: 0, aliases: null }, true],
    ["solo,0,12,", PLAIN, false],
    ["name,0,12,", PLAIN, false],
    ["2024,0,12,", PLAIN, false],
    ["17,2024,0,12", PLAIN, false],
    ["17,solo,0,12", { name: 1, category: 2, count: 3, aliases: null }, false],
    ["solo", PLAIN, false],
  ];
  for (const [line, columns, isHeader] of cases) {
    assertEquals(readTagCsvColumns(line.split(",")), { columns, isHeader }, line);
  }
});

Deno.test("parseTagCsvRow() normalises names, and drops aliases that are none", () => {
  const fields = ["Hatsune Miku", "4", "", ",Miku,miku, hatsune_miku,rating:s,\u0007"];
  assertEquals(parseTagCsvRow(fields, PLAIN), {
    row: {
      name: "hatsune_miku",
      category: 4,
      count: null,
      aliases: ["miku"],
      rejectedAliasesCount: 2,
    },
  });
  const word = { name: "a", category: "artist", count: 3, aliases: [], rejectedAliasesCount: 0 };
  assertEquals(parseTagCsvRow(["a", "contributor", "3"], PLAIN), { row: word as never });
});

Deno.test("parseTagCsvRow() names what is wrong with a row", () => {
  const cases: [fields: string[], fault: string][] = [
    [["", "0", "1"], '"" cannot be the name of a tag'],
    [["rating:safe", "0", "1"], '"rating:safe" is a rating and no tag'],
    [["a"], '"a" has no category number: ""'],
    [["a", "-1", "1"], '"a" has no category number: "-1"'],
    [["a", "x".repeat(99), "1"], `"a" has no category number: "${"x".repeat(60)}…"`],
    [["a", "5", "Quality tag"], '"a" has a count that is no number: "Quality tag"'],
    [["a", "5", "1.5"], '"a" has a count that is no number: "1.5"'],
  ];
  for (const [fields, fault] of cases) {
    assertEquals(parseTagCsvRow(fields, PLAIN), { fault }, fault);
  }
});
