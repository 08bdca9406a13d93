import { isRatingTagName } from "../tags/ratings.ts";
import { type Database, execute } from "./database.ts";
import { readImageLinks } from "./image_links.ts";
import { type KnownTag, KnownTags } from "./known_tags.ts";

/** The columns of `images` that hold tag names, in the order of their texts. */
export const TAG_COLUMN_NAMES = [
  "tags_character",
  "tags_copyright",
  "tags_artist",
  "tags_species",
  "tags_meta",
  "tags_general",
] as const;

/** Category → its place in {@link TAG_COLUMN_NAMES}. */
const COLUMN_OF: ReadonlyMap<string, number> = new Map(
  TAG_COLUMN_NAMES.map((name, i) => [name.slice("tags_".length), i]),
);

/**
 * Texts of the `tags_*` columns, in the order of {@link TAG_COLUMN_NAMES}. Tags without a category are
 * general; ratings are in none of them.
 */
export function toTagColumns(tags: readonly KnownTag[]): string[] {
  const names: string[][] = TAG_COLUMN_NAMES.map(() => []);
  for (const { name, category } of tags) {
    if (category === null && isRatingTagName(name)) continue;
    const column = COLUMN_OF.get(category ?? "general");
    if (column !== undefined) names[column].push(name);
  }
  return names.map((list) => list.join(" "));
}

/** Images whose tags are held at once. */
const IMAGES_AT_ONCE = 500;

/**
 * Writes the `tags_*` columns of images from their links, and through its trigger the full-text table. Runs
 * inside the caller's transaction. Cost: about 80 µs an image.
 */
export function writeTagColumns(db: Database, imageIds: readonly number[]): void {
  const tags = new KnownTags(db);
  for (let start = 0; start < imageIds.length; start += IMAGES_AT_ONCE) {
    const links = readImageLinks(db, imageIds.slice(start, start + IMAGES_AT_ONCE));
    writeColumnTexts(db, { tags, images: [...links] });
  }
}

/**
 * As {@link writeTagColumns}, from links that are known. In one statement: before each one that writes,
 * SQLite lets the full-text table put what it has on disk.
 */
export function writeColumnTexts(
  db: Database,
  { tags, images }: {
    tags: KnownTags;
    images: readonly (readonly [imageId: number, links: ReadonlyMap<number, unknown>])[];
  },
): void {
  if (images.length === 0) return;
  tags.loadLinks(images.map(([, links]) => links));
  const rows = images.map(([id, links]) => [id, ...toTagColumns(tags.sorted(links.keys()))]);
  execute(db, WRITE_COLUMNS, JSON.stringify(rows));
}

const WRITE_COLUMNS = `UPDATE images
  SET ${TAG_COLUMN_NAMES.map((name, i) => `${name} = texts.value ->> ${i + 1}`).join(", ")}
  FROM json_each(?) AS texts WHERE images.id = texts.value ->> 0`;
