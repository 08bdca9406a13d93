import { assertEquals } from "@std/assert";
import { parseQuery } from "../../src/query/parser.ts";
import { findLiteralTags, sortUnknown, suggestTerms } from "../../src/query/suggestions.ts";
import { buildSnapshot } from "../support/plain_library.ts";

const NAMES = ["hatsune_miku", "hat", "solo", "slope", "-_-", "日本", "scenery", "~x", "unused"];

function build() {
  const tags = NAMES.map((name, i) => ({ id: i + 1, name }));
  const images = [1, 2, 3].map((id) => ({
    id,
    // The first names have the most images.
    tagIds: tags.slice(0, -1).filter((tag) => tag.id <= 3 * (4 - id)).map((tag) => tag.id),
  }));
  return buildSnapshot({ tags, images, aliases: [["vocaloid_girl", "hatsune_miku"]] });
}

Deno.test("suggestTerms() gives what a name nearly is, begins, or stands for", async () => {
  const snapshot = await build();
  const table: [string, string[]][] = [
    ["slo", ["solo", "slope"]],
    ["sollo", ["solo"]],
    ["hatsune_mikku", ["hatsune_miku"]],
    ["miku", ["hatsune_miku"]],
    ["vocaloid", ["hatsune_miku"]],
    ["scor:>5", ["score:>5"]],
    ["ratting:e", ["rating:e"]],
    // A value that would be none is not suggested.
    ["ratting:x", []],
    ["hatzzzz", ["hat", "hatsune_miku"]],
    ["日本語", ["日本"]],
    ["xyz", []],
    ["y", []],
  ];
  for (const [name, expected] of table) {
    assertEquals(suggestTerms(snapshot, name, 5).slice(0, 2), expected, name);
  }
  assertEquals(suggestTerms(snapshot, "slo", 1), ["solo"]);
  assertEquals(suggestTerms(snapshot, "-_", 5), ['tag:"-_-"']);
});

Deno.test("sortUnknown() names what is asked for before what is left out", () => {
  const names = ["a", "b", "c", "d"];
  const sort = (text: string) => sortUnknown(parseQuery(text).root, names).join(" ");
  assertEquals(sort("-a b -(c -d)"), "b d a c");
  assertEquals(sort("d c b a"), "d c b a");
  assertEquals(sort("-a a"), "a b c d");
});

Deno.test("findLiteralTags() finds words that are tags as they stand", async () => {
  const snapshot = await build();
  const find = (text: string) => findLiteralTags(snapshot, text).map(({ term }) => term);
  assertEquals(find("-_-"), ['tag:"-_-"']);
  assertEquals(find("solo  -_- ~X"), ['tag:"-_-"', 'tag:"~x"']);
  assertEquals(find("solo -hat - ( -unused (solo)"), []);
  assertEquals(find(""), []);
});
