import { assertEquals } from "@std/assert";
import type { Database } from "@db/sqlite";
import type { Core } from "../../src/library/core.ts";
import { RATINGS } from "../../src/tags/ratings.ts";

const INT32_MAX = 2 ** 31 - 1;
const SOURCES = ["danbooru", "e621", "gelbooru", "yandere"];
const CATEGORIES = ["general", "character", "copyright", "artist", "species", "meta", "rating"];

/** Everything that the cache answers, read by plain SQL and a naive pass over the documents. */
type Answers = {
  images: { id: number; filepath: string; md5: string; tagIds: number[] }[];
  numbers: unknown[];
  ratings: (string | null)[];
  tags: { id: number; name: string; category: string | null }[];
  counts: [number, number][];
  postIds: { source: string; id: number; imageId: number }[];
};

const NUMBERS = [
  "image_width",
  "image_height",
  "score",
  "fav_count",
  "parent_id",
  "unixepoch(ingested_at)",
];

function readAnswers(db: Database): Answers {
  const images = db.prepare("SELECT id, filepath, md5 FROM images ORDER BY id")
    .all<{ id: number; filepath: string; md5: string }>();
  const links = db.prepare(
    `SELECT image_id, tags.id, name FROM image_tags JOIN tags ON tags.id = tag_id
     ORDER BY image_id, tags.id`,
  ).values<[number, number, string]>();
  const tags = db.prepare("SELECT id, name, category FROM tags ORDER BY id")
    .all<{ id: number; name: string; category: string | null }>();
  return {
    images: images.map((image) => ({
      ...image,
      tagIds: links.filter(([imageId]) => imageId === image.id).map(([, tagId]) => tagId),
    })),
    numbers: db.prepare(
      `SELECT ${
        NUMBERS.map((column) =>
          `max(-${INT32_MAX}, min(${INT32_MAX}, CAST(coalesce(${column}, 0) AS INTEGER)))`
        )
      } FROM images ORDER BY id`,
    ).values(),
    ratings: images.map(({ id }) => {
      const names = links.filter(([imageId]) => imageId === id).map(([, , name]) => name);
      return RATINGS.findLast((rating) => names.includes(`rating:${rating}`)) ?? null;
    }),
    tags: tags.map((tag) => ({
      ...tag,
      category: CATEGORIES.includes(tag.category!) ? tag.category : null,
    })),
    counts: db.prepare(
      `SELECT tags.id, COUNT(DISTINCT image_id) FROM tags JOIN image_tags ON tags.id = tag_id
       JOIN images ON images.id = image_id GROUP BY tags.id ORDER BY tags.id`,
    ).values<[number, number]>(),
    postIds: readPostIds(db),
  };
}

function readPostIds(db: Database): Answers["postIds"] {
  const rows = db.prepare(
    "SELECT image_id, CAST(data AS BLOB) FROM raw_metadata JOIN images ON id = image_id",
  ).values<[number, Uint8Array]>();
  return rows.flatMap(([imageId, bytes]) => {
    const sources = parseSources(bytes);
    return Object.entries(sources).flatMap(([source, post]) => {
      const id = Number((post as { id?: unknown } | null)?.id);
      const isPlain = ["number", "string"].includes(typeof (post as { id?: unknown } | null)?.id);
      const isFit = isPlain && Number.isInteger(id) && id > 0 && id <= INT32_MAX;
      return isFit ? [{ source, id, imageId }] : [];
    });
  });
}

function parseSources(bytes: Uint8Array): Record<string, unknown> {
  try {
    const document = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    const { sources } = document as { sources?: unknown };
    return typeof sources === "object" && sources !== null && !Array.isArray(sources)
      ? sources as Record<string, unknown>
      : {};
  } catch {
    // A malformed document: it has no post ids, which is what is asked here.
    return {};
  }
}

/** Checks that every answer of the cache equals what plain SQL says. */
export function assertSameAsSql(core: Core, db: Database): void {
  const expected = readAnswers(db);
  const { cache, tagIds } = core;
  const view = cache.getImageData();
  assertEquals(view.length, expected.images.length);
  assertEquals(
    [...view].map((entry) => ({ ...entry, tagIds: [...entry.tagIds] })),
    expected.images,
  );
  assertEquals([...cache.getTagCounts()].toSorted(([a], [b]) => a - b), expected.counts);
  for (const { id, name, category } of expected.tags) {
    assertEquals([tagIds.getId(name), tagIds.getName(id)], [id, name]);
    assertEquals(cache.current.tags.categoryOf(id) ?? null, category, `category of ${name}`);
  }
  const known = [...cache.current.tags.entries()].map(([id, name]) => ({ id, name }));
  assertEquals(
    known.toSorted((a, b) => a.id - b.id),
    expected.tags.map(({ id, name }) => ({ id, name })),
  );
  assertEquals(cache.current.tags.size, expected.tags.length);
  assertSameImages(core, expected);
  assertSamePostIds(core, expected);
}

function assertSameImages(core: Core, expected: Answers): void {
  const { cache } = core;
  const nameOf = new Map(expected.tags.map(({ id, name }) => [id, name]));
  const snapshot = cache.current;
  expected.images.forEach(({ id, filepath, tagIds }, i) => {
    const names = tagIds.map((tagId) => nameOf.get(tagId)!);
    assertEquals([...cache.getImageTagsAsIds(filepath)], tagIds, filepath);
    assertEquals(cache.getImageTagsAsSet(filepath), new Set(names), filepath);
    assertEquals(cache.getImageTagsAsString(filepath), names.join(" "), filepath);
    assertEquals(cache.getImageTagCount(filepath), tagIds.length, filepath);
    const row = snapshot.rowOfId(id)!;
    const { columns } = snapshot;
    const from = snapshot.stateOf(row);
    const numbers = (["width", "height", "score", "favCount", "parentId", "ingestedAt"] as const)
      .map((name) => from ? from[name] : columns[name][row]);
    assertEquals(numbers, expected.numbers[i], `numbers of ${id}`);
    assertEquals(snapshot.ratingAt(row), expected.ratings[i], `rating of ${id}`);
  });
  const links = expected.images.reduce((sum, { tagIds }) => sum + tagIds.length, 0);
  assertEquals(snapshot.tagLinkCount, links);
  assertEquals(snapshot.usedTagCount, expected.counts.length);
  assertEquals(cache.getImageTagsAsString("no such path"), "");
}

function assertSamePostIds({ cache }: Core, { postIds, images }: Answers): void {
  const md5Of = new Map(images.map(({ id, md5 }) => [id, md5]));
  const lowest = (found: Answers["postIds"]) =>
    found.length === 0 ? undefined : md5Of.get(Math.min(...found.map((post) => post.imageId)));
  const rankOf = (source: string) => SOURCES.includes(source) ? SOURCES.indexOf(source) : 9;
  const compare = (a: string, b: string) => rankOf(a) - rankOf(b) || (a < b ? -1 : 1);
  for (const id of [...new Set([...postIds.map((post) => post.id), 1, 5, INT32_MAX])]) {
    const found = postIds.filter((post) => post.id === id);
    const sources = [...new Set(found.map((post) => post.source))].sort(compare);
    const best = found.filter((post) => post.source === sources[0]);
    assertEquals(cache.getMd5ByPostId(id), lowest(best), `post ${id}`);
    for (const source of [...SOURCES, "pixiv", "aardvark"]) {
      const own = found.filter((post) => post.source === source);
      assertEquals(cache.getMd5ByPostId(id, source), lowest(own), `${source} ${id}`);
    }
  }
}
