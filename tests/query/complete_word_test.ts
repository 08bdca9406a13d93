import { assertEquals } from "@std/assert";
import { completeWord } from "../../src/query/complete_word.ts";
import { parseQuery } from "../../src/query/parser.ts";
import { buildSnapshot } from "../support/plain_library.ts";

/** Names that a search cannot say as they are, among those that it can. */
const NAMES = [
  "rain",
  "hat_(clothing)",
  "-_-",
  "~x",
  "and",
  "source:foo",
  "foo)",
  "(o)",
  ":)",
  "'x",
  ".png",
  "re:zero",
  "a,b",
];

function build(names: readonly string[] = NAMES, category = "artist") {
  const tags = names.map((name, i) => ({ id: i + 1, name, category }));
  return buildSnapshot({ tags, images: [{ id: 1, tagIds: tags.map((tag) => tag.id) }] });
}

Deno.test("completeWord() offers metatags beside tags, and values behind their names", async () => {
  const snapshot = await build([...NAMES.filter((name) => name !== "source:foo"), "sxour"]);
  const list = (word: string, limit = 10) =>
    completeWord(snapshot, { word, limit, countWithTag: null })
      .map(({ kind, value, match }) => `${kind} ${value} ${match}`);
  const table: [string, string[]][] = [
    ["ra", [
      "tag rain prefix",
      "metatag ratio: prefix",
      "metatag rating: prefix",
      "metatag random: prefix",
    ]],
    ["r", ["tag rain prefix", "tag re:zero prefix"]],
    // Nearly typed tags come last.
    ["sour", ["metatag source: prefix", "tag sxour typo"]],
    ["-(~ra", [
      "tag rain prefix",
      "metatag ratio: prefix",
      "metatag rating: prefix",
      "metatag random: prefix",
    ]],
    ["order:sc", ["metatag order:score prefix", "metatag order:score_asc prefix"]],
    ["artist:ra", ["tag artist:rain prefix"]],
    ["Creator:RA", ["tag Creator:rain prefix"]],
    ["character:ra", []],
    ["re:z", ["tag re:zero prefix"]],
    ["score:>", []],
    ["widht:>5", ["metatag width:>5 prefix"]],
    ["ra*", []],
    ['source:"ra', []],
    ["-", []],
    ["", []],
  ];
  for (const [word, expected] of table) assertEquals(list(word), expected, word);
  assertEquals(list("ra", 2), ["metatag ratio: prefix", "metatag rating: prefix"]);
});

Deno.test("completeWord() gives text that a search reads as the name, alone and in a group", async () => {
  for (const name of NAMES) {
    const snapshot = await build([name]);
    for (const prefix of ["tag:", "artist:", "unaliased:"]) {
      const word = prefix + name.replace(/["']/, "");
      const [found] = completeWord(snapshot, { word, limit: 1, countWithTag: null });
      if (found === undefined) continue;
      for (const text of [found.value, `(hat or ${found.value})`, `(${found.value} hat)`]) {
        const { root } = parseQuery(text);
        const nodes = root.kind === "and" || root.kind === "or" ? root.nodes : [root];
        const tags = nodes.map((node) => node.kind === "tag" ? node.name : node.kind);
        assertEquals(tags.includes(name), true, text);
      }
    }
  }
  const values = async (name: string, word: string) =>
    completeWord(await build([name]), { word, limit: 1, countWithTag: null })
      .map((completion) => completion.value);
  assertEquals(await values("hat_(clothing)", "hat"), ["hat_(clothing)"]);
  assertEquals(await values("foo)", "foo"), ['tag:"foo)"']);
  assertEquals(await values("and", "and"), ['tag:"and"']);
});

Deno.test("completeWord() counts within the rest of the search", async () => {
  const snapshot = await build(["hair", "hair_bow"]);
  const counted: number[] = [];
  const found = completeWord(snapshot, {
    word: "hai",
    limit: 5,
    countWithTag: (id) => {
      counted.push(id);
      return id === 2 ? 1 : 0;
    },
  });
  assertEquals(
    found.map(({ name, count, countInContext }) => [name, count, countInContext]),
    [["hair_bow", 1, 1], ["hair", 1, 0]],
  );
  assertEquals(counted.sort(), [1, 2]);
});

Deno.test("completeWord() offers tags whose names begin with operators", async () => {
  const snapshot = await build(["-_-", "~x", "xenon", "(o)", "-x-", '"quoted"']);
  const list = (word: string) =>
    completeWord(snapshot, { word, limit: 5, countWithTag: () => 7 })
      .map(({ operators, value, countInContext }) => `${operators}|${value} ${countInContext}`);
  const table: [string, string[]][] = [
    ["-_", ['|tag:"-_-" 7']],
    ["-_-", ['|tag:"-_-" 7']],
    ["~-_", ['~|tag:"-_-" 7']],
    // What is typed exactly comes first, what only begins so last.
    ["~x", ['|tag:"~x" 7', "~|xenon 7", '~|tag:"-x-" 7']],
    ["-x", ["-|xenon 7", '-|tag:"~x" 7', '|tag:"-x-" 7']],
    ["(o", ['|tag:"(o)" 7']],
    ['"qu', ['|"quoted" 7']],
    ["-", []],
    ["(", []],
  ];
  for (const [word, expected] of table) assertEquals(list(word), expected, word);
  const [first] = completeWord(snapshot, { word: "-_", limit: 1, countWithTag: null });
  assertEquals([first.name, first.countInContext], ["-_-", null]);
});
