/**
 * Completion of tags at 200,000 tags: how long each kind of typed text takes, every text asked once.
 *
 *     deno task bench autocomplete
 *     deno task bench autocomplete 20000   # another number of tags
 */
import { assertEquals } from "@std/assert";
import { AliasTable } from "../src/cache/alias_table.ts";
import { ImageSnapshot } from "../src/cache/image_snapshot.ts";
import { TagTable } from "../src/cache/tag_table.ts";
import { completeInContext, completeTags } from "../src/query/autocomplete.ts";
import { parseQuery } from "../src/query/parser.ts";
import { search } from "../src/query/search.ts";
import { listTags } from "../src/query/tag_list.ts";
import { TAG_CATEGORIES } from "../src/tags/category.ts";
import { naiveCompletions } from "../tests/support/naive_autocomplete.ts";
import { buildColumns, toState } from "../tests/support/plain_library.ts";
import { makeRandom, type Random } from "../tests/support/random.ts";
import { seededRandom, zipf } from "./support/random.ts";
import { recordResult } from "./support/results.ts";
import { makeTagNames } from "./support/tag_names.ts";

const TAGS = 200_000;
const IMAGES = 20_000;
const TAGS_PER_IMAGE = 25;
const ALIASES = 50_000;
const TEXTS = 400;
const LIMIT = 10;

type Library = { snapshot: ImageSnapshot; names: string[]; aliases: string[] };

/** A library whose tags are drawn by Zipf, each on one image at least. */
async function buildLibrary(tagCount: number, random: Random): Promise<Library> {
  const names = makeTagNames(tagCount, random);
  const tags = names.map((name, i) => ({
    id: i + 1,
    name,
    category: random.pick(TAG_CATEGORIES.slice(0, 6)),
  }));
  const draw = zipf(tagCount, 0.9, seededRandom(2));
  const images = Array.from({ length: IMAGES }, (_, i) => {
    const tagIds = new Set(Array.from({ length: TAGS_PER_IMAGE }, () => draw() + 1));
    for (let tag = i; tag < tagCount; tag += IMAGES) tagIds.add(tag + 1);
    return { id: i + 1, tagIds: [...tagIds] };
  });
  const aliases = makeTagNames(Math.round(ALIASES * tagCount / TAGS), random)
    .map((name) => [`${name}_x`, random.pick(names)] as const);
  const { columns, sources } = buildColumns({ tags, images });
  const snapshot = ImageSnapshot.of(columns, {
    sources,
    tags: await TagTable.build(columns),
    generation: 1,
    aliases: AliasTable.of(aliases),
  });
  return { snapshot, names, aliases: aliases.map(([antecedent]) => antecedent) };
}

/** One slip: a sign added, left out, replaced or swapped. */
function slip(text: string, random: Random): string {
  const signs = [...text];
  const place = random.int(signs.length);
  const kind = random.int(4);
  if (kind === 0) signs.splice(place, 0, random.pick(["a", "e", "n", "t"]));
  else if (kind === 1) signs.splice(place, 1);
  else if (kind === 2) signs[place] = random.pick(["a", "e", "n", "t"]);
  else signs.splice(place, 2, ...signs.slice(place, place + 2).reverse());
  return signs.join("");
}

const LETTERS = "abcdefghijklmnopqrstuvwxyz";

/** Kinds of input, each with how one is made. */
function kindsOf({ names, aliases }: Library, random: Random): Record<string, () => string> {
  const name = () => random.pick(names);
  const longName = () => {
    let found = name();
    while (found.length < 8) found = name();
    return found;
  };
  const letter = () => random.pick([...LETTERS]);
  const words = (count: number) => Array.from({ length: count }, letter).join("_");
  return {
    "one letter": letter,
    "two letters": () => letter() + letter(),
    "beginning": () => name().slice(0, 3 + random.int(6)),
    "whole name": name,
    "word": () => random.pick(name().split(/[_()]+/).filter((word) => word !== "")),
    "words reversed": () => name().split(/[_()]+/).reverse().join(" "),
    "category": () => `${random.pick(["artist", "general", "meta"])}:${name().slice(0, 2)}`,
    "alias": () => random.pick(aliases).slice(0, -random.int(2) || undefined),
    "one slip": () => slip(longName(), random),
    "two slips": () => slip(slip(longName(), random), random),
    "slip in a word": () => slip(longName().split("_")[0], random),
    "nothing like it": () => Array.from({ length: 6 + random.int(20) }, letter).join(""),
    "hostile: many letters": () => words(2 + random.int(200)),
    "hostile: one letter repeated": () => letter().repeat(3 + random.int(60)),
    "hostile: six words with slips": () =>
      Array.from({ length: 6 }, () => slip(longName().split("_")[0], random)).join("_"),
    "hostile: 500 bytes": () => Array.from({ length: 250 }, letter).join("é"),
  };
}

/** Completion within searches that were made before: counts of up to twice as many tags as are shown. */
async function measureInSearch({ snapshot, names }: Library, random: Random) {
  const popular = listTags(snapshot, { prefix: "", limit: 100 }).map((tag) => tag.name);
  const results = await Promise.all(
    popular.map((name) => search(snapshot, parseQuery(name))),
  );
  const texts = Array.from({ length: TEXTS }, () => random.pick(names).slice(0, 2));
  return measure(texts, (text) => {
    const result = random.pick(results);
    completeInContext(snapshot, {
      text,
      limit: LIMIT,
      countWithTag: (tagId) => result.countWithTag(tagId),
    });
  });
}

function measure(texts: readonly string[], run: (text: string) => unknown) {
  const times = texts.map((text) => {
    const startedAt = performance.now();
    run(text);
    return performance.now() - startedAt;
  }).sort((a, b) => a - b);
  const at = (share: number) =>
    round(times[Math.min(times.length - 1, Math.floor(share * times.length))]);
  return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

/** What is fast must be right first. */
async function checkAgainstNaive(): Promise<void> {
  const random = makeRandom(5);
  const library = await buildLibrary(3_000, random);
  for (const make of Object.values(kindsOf(library, random))) {
    for (let i = 0; i < 5; i++) {
      const text = make();
      const options = { text, limit: LIMIT };
      if (/^\w+:/.test(text) || text.length > 60) continue;
      const expected = naiveCompletions(library.snapshot, {
        ...options,
        text: text.replaceAll(" ", "_"),
      });
      assertEquals(completeTags(library.snapshot, options), expected, text);
    }
  }
}

async function run(tagCount: number): Promise<void> {
  await checkAgainstNaive();
  const random = makeRandom(1);
  const library = await buildLibrary(tagCount, random);
  const { snapshot, names } = library;
  const complete = (text: string) => completeTags(snapshot, { text, limit: LIMIT });
  const kinds: Record<string, ReturnType<typeof measure>> = {
    // What is derived from new columns is derived by the first questions.
    "first after a load: a letter": measure(["a"], complete),
    "first after a load: a slip": measure([slip(names[7], random)], complete),
  };
  for (const [kind, make] of Object.entries(kindsOf(library, random))) {
    kinds[kind] = measure(Array.from({ length: TEXTS }, make), complete);
  }
  kinds["beginning, in a search"] = await measureInSearch(library, random);
  kinds["tag list"] = measure(
    ["", ...Array.from(LETTERS), ...names.slice(0, TEXTS).map((name) => name.slice(0, 3))],
    (prefix) => listTags(snapshot, { prefix, limit: 40 }),
  );
  const tags = names.map((name, i) => ({ id: i + 1, name }));
  let edited = snapshot;
  for (let i = 0; i < 1_000; i++) {
    const tagIds = Array.from({ length: 25 }, () => 1 + random.int(tagCount));
    edited = edited.withImage(IMAGES + i, toState({ id: IMAGES + i, tagIds }, tags.slice(0, 1)));
  }
  kinds["first after an edit, 1,000 edited images"] = measure(
    ["a"],
    (text) => completeTags(edited, { text, limit: LIMIT }),
  );
  const words = snapshot.columns.wordOffset.length - 1;
  console.log(`${tagCount} tags, ${words} words, ${TEXTS} texts of each kind, milliseconds`);
  console.table(kinds);
  await recordResult("autocomplete", { tags: tagCount, words, kinds });
}

if (import.meta.main) await run(Number(Deno.args[0] ?? TAGS));
