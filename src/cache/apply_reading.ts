import type { ImageId, PoolId, TagId } from "../base/ids.ts";
import { toRatingCode } from "./columns_builder.ts";
import type { ImageSnapshot } from "./image_snapshot.ts";
import type { CachePorts, ImageReading, TagRecord } from "./ports.ts";
import type { TagTable } from "./tag_table.ts";

/** What an edit changed, for the events that follow it. */
export type Edited = {
  changed: ImageId[];
  removed: ImageId[];
  tags: TagId[];
  pools: readonly PoolId[];
  hasAliases: boolean;
};

/** Ids of the images that have one of these paths in a snapshot. */
export function idsOfPaths(snapshot: ImageSnapshot, paths: Iterable<string>): ImageId[] {
  const rows = [...paths].map((path) => snapshot.rowOfPath(path));
  return rows.filter((row) => row !== undefined).map((row) => snapshot.idAt(row));
}

/**
 * Reads images (unless `reading` has them) and those that a snapshot has under the paths that are theirs
 * now, which are elsewhere or gone. Adds the ids of those to `ids`.
 */
export async function readAround(
  ports: CachePorts,
  at: { snapshot: ImageSnapshot; ids: Set<ImageId> },
  reading?: ImageReading,
): Promise<ImageReading> {
  const { snapshot, ids } = at;
  if (ids.size === 0) return { images: [], tags: [] };
  const { images, tags } = reading ?? await readInSlices(ports, [...ids]);
  const others = idsOfPaths(snapshot, images.map((image) => image.filepath))
    .filter((id) => !ids.has(id));
  if (others.length === 0) return { images, tags };
  for (const id of others) ids.add(id);
  return readAround(ports, at);
}

/** Images read between two moments in which requests are answered: about 10 ms. */
const SLICE_IMAGES = 200;

/** Reads images a slice at a time, so that thousands do not stall the main isolate. */
async function readInSlices(ports: CachePorts, ids: readonly ImageId[]): Promise<ImageReading> {
  const images: ImageReading["images"] = [];
  const tags = new Map<TagId, TagRecord>();
  for (let start = 0; start < ids.length; start += SLICE_IMAGES) {
    if (start > 0) await new Promise((resolve) => setTimeout(resolve, 0));
    const part = await ports.readImages(ids.slice(start, start + SLICE_IMAGES));
    images.push(...part.images);
    for (const tag of part.tags) tags.set(tag.id, tag);
  }
  return { images, tags: [...tags.values()] };
}

/** A snapshot in which the images `ids` are as read; those not read are gone. */
export function applyReading(
  snapshot: ImageSnapshot,
  ids: readonly ImageId[],
  reading: ImageReading,
): { snapshot: ImageSnapshot; edited: Edited } {
  const states = new Map(reading.images.map((image) => [image.id, image]));
  const tagTable = snapshot.tags.withKnown(reading.tags);
  const edited: Edited = { changed: [], removed: [], tags: [], pools: [], hasAliases: false };
  const touchedTags = new Set<TagId>();
  for (const id of ids) {
    const state = states.get(id) ?? null;
    const row = snapshot.rowOfId(id);
    if (state === null && row === undefined) continue;
    for (const tagId of row === undefined ? [] : snapshot.tagIdsAt(row)) touchedTags.add(tagId);
    for (const tagId of state?.tagIds ?? []) touchedTags.add(tagId);
    snapshot = snapshot.withImage(id, state, tagTable);
    (state === null ? edited.removed : edited.changed).push(id);
  }
  edited.tags = [...touchedTags];
  return { snapshot, edited };
}

/** Whether a change of a tag changes the ratings of images, none of which is in the log. */
export function isRerated(
  snapshot: ImageSnapshot,
  before: TagTable,
  change: { id: TagId; tag: TagRecord | null },
): boolean {
  const { id, tag } = change;
  return snapshot.countOfTag(id) > 0 &&
    toRatingCode(before.nameOf(id) ?? "") !== toRatingCode(tag?.name ?? "");
}
