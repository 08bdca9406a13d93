import { type ImageLinks, statedTags } from "./image_links.ts";
import type { TagRules } from "./tag_rules.ts";

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
