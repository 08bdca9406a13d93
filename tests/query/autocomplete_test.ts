import { assertEquals } from "@std/assert";
import type { ImageSnapshot } from "../../src/cache/image_snapshot.ts";
import { TagTable } from "../../src/cache/tag_table.ts";
import { completeInContext, completeTags } from "../../src/query/autocomplete.ts";
import { naiveCompletions } from "../support/naive_autocomplete.ts";
import { buildSnapshot, type PlainTag, toState, toTagColumns } from "../support/plain_library.ts";
import { makeRandom, type Random } from "../support/random.ts";
import { runs } from "../support/tier.ts";

const TAGS: PlainTag[] = [
  ["solo", "general", 9],
  ["long_hair", "general", 8],
  ["hair_ornament", "general", 3],
  ["hair", null, 1],
  ["very_long_hair", "general", 2],
  ["hatsune_miku", "character", 6],
  ["hatsune_miku_(append)", "character", 1],
  ["hat_(clothing)", "general", 4],
  ["halo", "artist", 2],
  ["unused_hair", "general", 0],
  ["rating:explicit", "rating", 7],
  ["日本の絵", "meta", 1],
  ["^_^", "general", 2],
  ["re:zero", "copyright", 1],
].map(([name, category], i) => ({ id: 3 * i + 1, name, category }) as PlainTag);
const USES = [9, 8, 3, 1, 2, 6, 1, 4, 2, 0, 7, 1, 2, 1];

function build(): Promise<ImageSnapshot> {
  const images = Array.from({ length: 9 }, (_, i) => ({
    id: i + 1,
    tagIds: TAGS.filter((_, tag) => USES[tag] > i).map((tag) => tag.id),
  }));
  const aliases = [["miku", "hatsune_miku"], ["haircuts", "hair"], ["haircut", "hair"], [
    "hair_long",
    "long_hair",
  ], [
    "cap",
    "hat_(clothing)",
  ], ["nothing_known", "not_there"]] as const;
  return buildSnapshot({ tags: TAGS, images, aliases });
}

function complete(snapshot: ImageSnapshot, text: string, limit = 20): string[] {
  return completeTags(snapshot, { text, limit })
    .map(({ name, match, antecedent }) => `${name} ${match}${antecedent ? ` ${antecedent}` : ""}`);
}

Deno.test("completeTags() gives exact names, beginnings, words, aliases and else typos", async () => {
  const snapshot = await build();
  const table: [string, string[]][] = [
    ["hair", [
      "hair prefix",
      "hair_ornament prefix",
      "long_hair word",
      "very_long_hair word",
    ]],
    ["hair lo", ["long_hair word", "very_long_hair word"]],
    ["lo_ha", ["long_hair word", "very_long_hair word"]],
    ["HAIR_O", ["hair_ornament prefix"]],
    ["hairc", ["hair alias haircut"]],
    ["miku", ["hatsune_miku alias miku", "hatsune_miku_(append) word"]],
    ["hair_long", ["long_hair alias hair_long", "very_long_hair word"]],
    ["cap", ["hat_(clothing) alias cap"]],
    ["nothing_k", []],
    ["sollo", ["solo typo"]],
    ["slo", ["solo typo"]],
    ["hatsnue", ["hatsune_miku typo", "hatsune_miku_(append) typo"]],
    ["hatsnue mi", ["hatsune_miku typo", "hatsune_miku_(append) typo"]],
    ["ornamnet", ["hair_ornament typo"]],
    ["zz", []],
    ["日", ["日本の絵 prefix"]],
    ["日本の会", ["日本の絵 typo"]],
    ["^", ["^_^ prefix"]],
    ["append", ["hatsune_miku_(append) word"]],
    ["zero", ["re:zero word"]],
    ["re:z", ["re:zero prefix"]],
    ["unused", []],
    ["explicit", []],
    ["rating:e", []],
    ["", []],
    ["  ", []],
    ["\u0000", []],
    ["x".repeat(600), []],
  ];
  for (const [text, expected] of table) assertEquals(complete(snapshot, text), expected, text);
  assertEquals(complete(snapshot, "hair", 2), ["hair prefix", "hair_ornament prefix"]);
  assertEquals(complete(snapshot, "hair", 0), []);
});

Deno.test("completeTags() keeps to the category in front", async () => {
  const snapshot = await build();
  assertEquals(complete(snapshot, "artist:ha"), ["halo prefix"]);
  assertEquals(complete(snapshot, "character:", 1), ["hatsune_miku prefix"]);
  assertEquals(complete(snapshot, "character:append"), ["hatsune_miku_(append) word"]);
  assertEquals(complete(snapshot, "artist:miku"), []);
  // A tag without a category counts as general.
  assertEquals(complete(snapshot, "general:hair", 1), ["hair prefix"]);
});

Deno.test("completeTags() sees edits, new tags and renamed ones", async () => {
  const snapshot = await build();
  const edited = snapshot.withImage(50, toState({ id: 50, tagIds: [28] }, TAGS));
  assertEquals(complete(edited, "unused"), ["unused_hair prefix"]);
  const tags = snapshot.tags.with([
    [1, { id: 1, name: "alone", category: "general" }],
    [4, null],
    [900, { id: 900, name: "new_hair", category: "general" }],
  ]);
  const record = [...TAGS, { id: 900, name: "new_hair" }];
  const changed = edited.withImage(51, toState({ id: 51, tagIds: [1, 900] }, record), tags);
  assertEquals(complete(changed, "solo"), []);
  assertEquals(complete(changed, "al"), ["alone prefix"]);
  assertEquals(complete(changed, "alnoe"), ["alone typo"]);
  assertEquals(complete(changed, "hair").slice(2), [
    "very_long_hair word",
    "new_hair word",
    "unused_hair word",
  ]);
  assertEquals(complete(snapshot, "sol"), ["solo prefix"]);
});

Deno.test("completeInContext() puts what would leave nothing last", async () => {
  const snapshot = await build();
  const withHair = new Map([["very_long_hair", 2], ["hair_ornament", 1]]);
  const found = completeInContext(snapshot, {
    text: "hair",
    limit: 3,
    countWithTag: (id) => withHair.get(snapshot.tags.nameOf(id)!) ?? 0,
  });
  assertEquals(found.map(({ name, countInContext }) => [name, countInContext]), [
    ["hair_ornament", 1],
    ["very_long_hair", 2],
    ["hair", 0],
  ]);
});

const PARTS = ["ha", "hat", "hair", "lo", "long", "blue", "bleu", "é", "日", "🎨", "1", "girl"];
const SIGNS = ["_", "_", "_(", ")", "-", "", ""];

function makeText(random: Random): string {
  let text = "";
  for (let i = random.int(4); i >= 0; i--) {
    text += random.pick(PARTS) + (i > 0 ? random.pick(SIGNS) : "");
  }
  return text;
}

/** A beginning, a word, a slip: what people type. */
function makeTyped(random: Random, names: readonly string[]): string {
  const text = random.int(3) === 0 ? makeText(random) : random.pick(names);
  const signs = [...text];
  const kind = random.int(5);
  if (kind === 0) return signs.slice(0, 1 + random.int(signs.length)).join("");
  if (kind === 1) return text.split(/[_()-]+/).reverse().join("_");
  for (let i = kind === 2 ? 0 : 1 + random.int(2); i > 0; i--) {
    const place = random.int(signs.length);
    if (random.int(2) === 0) signs.splice(place, random.int(2), random.pick(["a", "l", "é", "_"]));
    else signs.splice(place, 2, ...signs.slice(place, place + 2).reverse());
  }
  return signs.join("");
}

async function makeSnapshot(random: Random): Promise<{ snapshot: ImageSnapshot; names: string[] }> {
  const names = [...new Set(Array.from({ length: 5 + random.int(60) }, () => makeText(random)))];
  const tags = names.map((name, i) => ({
    id: 2 * i + 1,
    name,
    category: random.pick([null, "general", "artist", "character", "rating"]),
  }));
  const draw = (id: number) => ({
    id,
    tagIds: random.some(tags, 1 / (1 + random.int(4))).map((tag) => tag.id),
  });
  const images = Array.from({ length: random.int(6) }, (_, i) => draw(i + 1));
  const aliases = Array.from(
    { length: random.int(8) },
    () => [makeText(random), random.pick(names)] as const,
  );
  let snapshot = await buildSnapshot({ tags, images, aliases });
  for (let i = random.int(4); i > 0; i--) {
    const id = 2 * random.int(names.length + 5) + 1;
    const name = random.pick([makeText(random), `${random.pick(names)}_new`]);
    const record = { id, name, category: random.pick([null, "artist"]) };
    const isTaken = snapshot.tags.idOf(name) !== undefined;
    const changed = snapshot.tags.with([[id, isTaken ? null : record]]);
    const known = [...changed.entries()].map(([id, name]) => ({ id, name }));
    const image = { id: 1 + random.int(9), tagIds: random.some(known, 0.5).map((tag) => tag.id) };
    snapshot = snapshot.withImage(image.id, toState(image, known), changed);
    names.push(name);
  }
  if (random.int(4) > 0) return { snapshot, names };
  // The table is read anew while the columns stay.
  const read = [...snapshot.tags.entries()].filter(() => random.int(5) > 0)
    .map(([id, name]) => ({ id, name, category: snapshot.tags.categoryOf(id) ?? null }));
  return { snapshot: snapshot.withTags(await TagTable.build(toTagColumns(read))), names };
}

Deno.test("completeTags() equals a look at every tag", async () => {
  for (let seed = 1; seed <= runs(300, 5_000); seed++) {
    const random = makeRandom(seed);
    const { snapshot, names } = await makeSnapshot(random);
    for (let i = 0; i < 12; i++) {
      const category = random.pick([null, null, null, "artist", "general"]);
      const text = makeTyped(random, names);
      const name = text.normalize("NFC").toLowerCase();
      const limit = 1 + random.int(12);
      const typed = category === null ? text : `${category}:${text}`;
      if (name === "") continue;
      assertEquals(
        completeTags(snapshot, { text: typed, limit }),
        naiveCompletions(snapshot, { text: name, limit, category }),
        `seed ${seed}: ${JSON.stringify(typed)}`,
      );
    }
  }
});
