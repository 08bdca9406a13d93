import fc from "fast-check";
import type { Cell, ImageSpec, LibrarySpec, TagSpec } from "./library_builder.ts";
import { documentOf, md5Of } from "./library_builder.ts";

/**
 * Names that hurt: control characters, a byte order mark, non-BMP, spaces, characters of JSON and SQL.
 * Not U+0000: no file system has it in a path, and a row of node:sqlite ends a text there.
 */
const ODD_TEXT = fc.string({ unit: "binary", minLength: 1, maxLength: 6 })
  .map((text) => text.replaceAll("\0", "0"));
const ODD_PREFIX = fc.constantFrom("", "\ufeff", "\u001f", "a,b", "'", "日本/", "🎨");

/** A path; the id in it makes it unique. */
function pathOf(id: number, odd: [string, string]): string {
  return `${odd[0]}${odd[1]}${id}.jpg`;
}

const RATING_NAMES = ["general", "sensitive", "questionable", "explicit", "odd"];

/** Tags with gaps between their ids; the first ones are ratings. */
const tagsArbitrary: fc.Arbitrary<TagSpec[]> = fc.record({
  gaps: fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 12 }),
  ratings: fc.integer({ min: 0, max: 5 }),
  odd: fc.array(fc.tuple(ODD_PREFIX, ODD_TEXT), { minLength: 12, maxLength: 12 }),
  categories: fc.array(
    fc.constantFrom(null, "general", "character", "artist", "meta", "no such category"),
    { minLength: 12, maxLength: 12 },
  ),
}).map(({ gaps, ratings, odd, categories }) => {
  let id = 0;
  return gaps.map((gap, i) => {
    id += gap;
    if (i < ratings) return { id, name: `rating:${RATING_NAMES[i]}`, category: "rating" };
    return { id, name: `${odd[i][0]}${odd[i][1]}_${id}`, category: categories[i] };
  });
});

const postIdArbitrary: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 12 }) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 12 }).map(String) },
  fc.constantFrom(0, null, "", -4, 1.5, "x", true, [], 2 ** 31 - 1, 2 ** 31, 2 ** 60, { a: 1 }),
);

/** Documents of raw_metadata, some of them malformed in one of many ways. */
const metadataArbitrary: fc.Arbitrary<unknown> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.dictionary(
      fc.constantFrom("danbooru", "e621", "gelbooru", "yandere", "pixiv", "aardvark"),
      postIdArbitrary,
      { maxKeys: 4 },
    ).map(documentOf),
  },
  fc.constantFrom<unknown>(
    "",
    "{",
    "null",
    "[]",
    "7",
    '{"sources": null}',
    '{"sources": []}',
    '{"sources": {"danbooru": null, "e621": [], "gelbooru": 7, "yandere": {"id": 3}}}',
    '\ufeff{"sources": {"danbooru": {"id": 5}}}',
    '{"sources": {"danbooru": {"id": 6, "text": "\\u0000 \\ud83d"}}}',
    new Uint8Array([0x7b, 0xff, 0x7d]),
    new TextEncoder().encode('{"sources": {"e621": {"id": 4}}}'),
  ),
);

const cellArbitrary: fc.Arbitrary<Cell> = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -5, max: 5_000 }) },
  fc.constantFrom<Cell>(null, "abc", "12px", 3.7, 2 ** 31, -(2 ** 40), ""),
);

const columnsArbitrary = fc.record({
  image_width: cellArbitrary,
  image_height: cellArbitrary,
  score: cellArbitrary,
  fav_count: cellArbitrary,
  parent_id: cellArbitrary,
  ingested_at: fc.constantFrom<Cell>("2024-02-03 04:05:06", "never", null, 5),
});

/** An image but for its id; `links` draws from the tags. */
export type ImageSeed = {
  gap: number;
  odd: [string, string];
  md5: string | null;
  links: number[];
  metadata: unknown;
  columns: Record<string, Cell>;
};

/** What an image is made of. */
export const imageSeedArbitrary: fc.Arbitrary<ImageSeed> = fc.record({
  gap: fc.oneof(
    { weight: 20, arbitrary: fc.integer({ min: 1, max: 9 }) },
    fc.integer({ min: 1, max: 100_000 }),
  ),
  odd: fc.tuple(ODD_PREFIX, ODD_TEXT),
  md5: fc.constantFrom(null, null, null, null, "UPPER", "short", "ﬀ".repeat(16), ""),
  links: fc.array(fc.nat(), { maxLength: 8 }),
  metadata: fc.option(metadataArbitrary, { nil: undefined }),
  columns: columnsArbitrary,
});

/** The image that a seed stands for. */
export function toImageSpec(seed: ImageSeed, id: number, tags: readonly TagSpec[]): ImageSpec {
  const names = tags.length === 0 ? [] : seed.links.map((link) => tags[link % tags.length].name);
  return {
    id,
    filepath: pathOf(id, seed.odd),
    md5: seed.md5 === null ? md5Of(id) : `${seed.md5}${seed.md5 === "UPPER" ? md5Of(id) : id}`,
    tags: [...new Set(names)],
    metadata: seed.metadata,
    columns: seed.columns,
  };
}

/** Whole libraries. */
export const libraryArbitrary: fc.Arbitrary<Required<Pick<LibrarySpec, "tags" | "images">>> = fc
  .record({
    tags: tagsArbitrary,
    seeds: fc.array(imageSeedArbitrary, { maxLength: 20 }),
  }).map(({ tags, seeds }) => {
    let id = 0;
    return { tags, images: seeds.map((seed) => toImageSpec(seed, id += seed.gap, tags)) };
  });
