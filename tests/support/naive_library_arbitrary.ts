import { md5Of } from "./library_builder.ts";
import type { NaiveImage, NaiveLibrary, NaivePool, NaiveTag } from "./naive_search.ts";
import type { Random } from "./random.ts";

/** Shape of a random library. */
export type LibraryShape = { images: number; tags: number; tagsPerImage: number };

/** Names as sites have them: wildcards must tell the signs of patterns from letters. */
const ODD_NAMES = [
  "re:zero",
  ":)",
  ":d",
  ">_<",
  "hat_(clothing)",
  "rem_(re:zero)",
  "a.b",
  "a+b",
  "c++",
  "50%",
  "a%b",
  "a_b",
  "[x]",
  "^_^",
  'don\'t_say_"lazy"',
  "a,b",
  "日本",
  "été",
  "ÿ_🎨",
  "order",
  "score",
  "android",
  "oreo",
  "\\o/",
  "x:y:z",
];
const PARTS = ["hair", "blue", "long", "girl", "hat", "sky", "eyes", "red", "no", "cat", "ao", "1"];
const CATEGORIES = ["general", "general", "general", "character", "copyright", "artist", "species"];
const SITES = [
  "danbooru",
  "e621",
  "gelbooru",
  "yandere",
  "konachan",
  "safebooru",
  "rule34",
  "pixiv",
];
const TYPES = [
  "jpg",
  "jpg",
  "jpg",
  "png",
  "png",
  "gif",
  "webp",
  "avif",
  "mp4",
  "webm",
  "swf",
  "zip",
];
const RATINGS = ["general", "sensitive", "questionable", "explicit"];
const SOURCES = [
  "https://www.pixiv.net/artworks/",
  "https://twitter.com/a_b/status/",
  "https://example.org/100%/x?y=",
  "Own scan ",
  "own_scan",
  "danbooru mirror ",
  "Ä (book), page ",
];
const SIDES = [
  1,
  64,
  500,
  500,
  640,
  720,
  800,
  1000,
  1000,
  1080,
  1280,
  1500,
  1920,
  2000,
  3000,
  4001,
];
const FOLDERS = ["", "", "set a/", "Set_B/x/", "100%/"];

/** The last moment at which images of random libraries are added (Unix seconds). */
export const LIBRARY_NOW = Date.UTC(2025, 6, 15, 13, 37, 11) / 1000;

function makeTag(random: Random, number: number): NaiveTag {
  const odd = random.int(4) === 0 ? ODD_NAMES[number] : undefined;
  const parts = Array.from({ length: 1 + random.int(3) }, () => random.pick(PARTS));
  const name = odd ?? `${parts.join("_")}${random.int(3) === 0 ? "" : `_${number}`}`;
  const category = random.int(12) === 0 ? null : random.pick([...CATEGORIES, "meta"]);
  return { name, category };
}

/** Makes tags with names of their own. */
export function makeTags(random: Random, count: number): NaiveTag[] {
  const tags = new Map<string, NaiveTag>();
  for (let i = 0; i < count; i++) {
    const tag = makeTag(random, i);
    if (!tags.has(tag.name)) tags.set(tag.name, tag);
  }
  return [...tags.values()];
}

/** Draws few of many tags, the first ones far more often. */
function drawTags(random: Random, tags: readonly NaiveTag[], count: number): NaiveTag[] {
  const drawn = new Set<NaiveTag>();
  if (tags.length === 0) return [];
  // The commonest tags are on most images, so that lists of all densities occur.
  for (const [i, tag] of tags.slice(0, 4).entries()) if (random.int(i + 2) > 0) drawn.add(tag);
  for (let i = 0; i < count; i++) {
    const place = Math.floor(tags.length ** (random.int(10_000) / 10_000)) - 1;
    drawn.add(tags[Math.min(tags.length - 1, place)]);
  }
  return [...drawn];
}

function maybe<T>(random: Random, chance: number, make: () => T): T | null {
  return random.int(100) < chance ? make() : null;
}

function drawAddedAt(random: Random): number {
  const spans = [3600, 2 * 86_400, 30 * 86_400, 900 * 86_400];
  const second = LIBRARY_NOW - random.int(random.pick(spans));
  // Borders of days are where mistakes are.
  return random.int(8) === 0 ? second - second % 86_400 - random.int(2) : second;
}

/** Makes an image of these tags; what it has is drawn. */
export function makeImage(
  random: Random,
  { id, tags, tagsPerImage }: { id: number; tags: readonly NaiveTag[]; tagsPerImage: number },
): NaiveImage {
  const fileType = random.pick(TYPES);
  const ext = random.int(5) === 0 ? fileType.toUpperCase() : fileType;
  const hasSize = random.int(12) > 0;
  const hasMedia = random.int(8) > 0;
  const isBare = random.int(15) === 0;
  const isMoving = ["gif", "mp4", "webm"].includes(fileType);
  return {
    id,
    filepath: `${random.pick(FOLDERS)}${random.pick(["post_", "Post ", "x%"])}${id}.${ext}`,
    md5: md5Of(id),
    tags: isBare ? [] : drawTags(random, tags, random.int(2 * tagsPerImage)),
    ratings: random.int(5) === 0 ? [] : random.some(RATINGS, 0.4),
    width: hasSize || random.int(4) === 0 ? random.pick(SIDES) : null,
    height: hasSize || random.int(4) === 0 ? random.pick(SIDES) : null,
    score: random.int(3) === 0 ? 0 : random.int(60) - 10,
    favCount: random.int(4) === 0 ? random.int(50) : 0,
    bytes: hasMedia ? drawBytes(random) : null,
    durationMs: hasMedia && isMoving
      ? maybe(random, 80, () => 1000 * (1 + random.int(200)) + random.pick([0, 0, 500, 1, 999]))
      : null,
    addedAt: maybe(random, 92, () => drawAddedAt(random)),
    favouritedAt: maybe(random, 10, () => LIBRARY_NOW - random.int(40) * 3600),
    parents: [],
    parentPostId: null,
    posts: random.some(SITES, 0.12).map((site) => ({ site, id: 1 + random.int(40) })),
    source: hasMedia ? maybe(random, 50, () => random.pick(SOURCES) + random.int(30)) : null,
    fileType,
  };
}

function drawBytes(random: Random): number {
  if (random.int(3) === 0) return random.pick([1, 5, 20]) * 1024 ** (1 + random.int(3));
  return 1 + random.int(random.pick([5_000, 3_000_000, 3_000_000_000]));
}

/** Names parents of an image: by a person's word, by a site's, or none. */
export function drawParents(random: Random, image: NaiveImage, ids: readonly number[]): void {
  const kind = random.int(12);
  image.parents = kind === 0 ? [...new Set([random.pick(ids), random.pick(ids)])] : [];
  image.parents = image.parents.filter((id) => id !== image.id);
  image.parentPostId = kind < 3 ? 1 + random.int(40) : null;
}

const POOL_NAMES = ["Blue hair, first", "blue_hair", "Été 100%", "A (b) c", "x.y", "the pool of x"];

/** Draws a pool of these images. */
export function makePool(random: Random, id: number, ids: readonly number[]): NaivePool {
  const members = new Set(Array.from({ length: random.int(9) }, () => random.pick(ids)));
  const name = random.pick(POOL_NAMES);
  return { id, name: `${name} ${id}`, imageIds: ids.length === 0 ? [] : [...members] };
}

/** Makes a library. */
export function makeNaiveLibrary(
  random: Random,
  shape: LibraryShape,
): { library: NaiveLibrary; tags: NaiveTag[] } {
  const tags = makeTags(random, shape.tags);
  const images: NaiveImage[] = [];
  const gap = random.pick([1, 1, 3]);
  let id = random.int(20);
  for (let i = 0; i < shape.images; i++) {
    id += 1 + random.int(gap);
    images.push(makeImage(random, { id, tags, tagsPerImage: shape.tagsPerImage }));
  }
  const ids = images.map((image) => image.id);
  if (ids.length > 0) { for (const image of images) drawParents(random, image, ids); }
  const pools = Array.from({ length: random.int(5) }, (_, i) => makePool(random, i + 1, ids));
  return { library: { images, pools, aliases: makeAliases(random, tags) }, tags };
}

/** Aliases for some tags; a few stand in for a name that some images have. */
function makeAliases(random: Random, tags: readonly NaiveTag[]): NaiveLibrary["aliases"] {
  const targets = random.some(tags, 0.1).slice(0, 5).map(({ name }) => name);
  const taken = tags.map(({ name }) => name).filter((name) => !targets.includes(name));
  return targets.map((to, i) => ({
    from: i === 0 && taken.length > 0 ? random.pick(taken) : `alias_${i}`,
    to,
  }));
}
