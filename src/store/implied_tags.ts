import { type Database, prepared } from "./database.ts";
import type { TagRules } from "./tag_rules.ts";

/** Tag → who says that the image has it (`image_tags.source`). */
export type ImageLinks = Map<number, string>;

/** Tags of an image, with who says so. Cost: O(tags of the image). */
export function readImageLinks(db: Database, imageId: number): ImageLinks {
  return new Map(
    prepared(
      db,
      "SELECT tag_id, coalesce(source, 'original') FROM image_tags WHERE image_id = ?",
    ).values<[number, string]>(imageId),
  );
}

/** Tags of an image that something besides an implication gives. */
export function statedTags(links: ImageLinks): number[] {
  return [...links].filter(([, origin]) => origin !== "implication").map(([tag]) => tag);
}

/** What {@link planImpliedTags} finds, as ids. */
export type ImpliedChange = { add: number[]; drop: number[] };

/**
 * Finds the tags that are to come and to go so that an image has what its tags imply: what implications
 * gave and give no more goes, unless nothing here knows why it was there (the original leaves such tags
 * behind). `keptAway` is only asked when something is implied. Cost: O(tags of the image).
 */
export function planImpliedTags(
  rules: TagRules,
  { before, now, keptAway }: {
    /** Tags before the change. */
    before: ImageLinks;
    /** Tags that the change leaves. */
    now: ImageLinks;
    /** Tags that a person does not want here. */
    keptAway: () => ReadonlySet<number>;
  },
): ImpliedChange {
  const stated = statedTags(now);
  let implied = rules.impliedBy(stated);
  if (implied.size > 0) {
    const unwanted = keptAway();
    if (unwanted.size > 0) implied = rules.impliedBy(stated, unwanted);
  }
  const leftOver = [...now].filter(([tag, origin]) => origin === "implication" && !implied.has(tag))
    .map(([tag]) => tag);
  if (leftOver.length === 0) return { add: [...implied].filter((tag) => !now.has(tag)), drop: [] };
  const wasImplied = rules.wasImpliedBy(statedTags(before));
  return {
    add: [...implied].filter((tag) => !now.has(tag)),
    drop: leftOver.filter((tag) => wasImplied.has(tag)),
  };
}

/** Names of some tags. */
export function readTagNames(db: Database, ids: readonly number[]): string[] {
  const name = prepared(db, "SELECT name FROM tags WHERE id = ?");
  return ids.map((id) => name.value<[string]>(id)?.[0]).filter((found) => found !== undefined);
}
