import type { ImageId, Row, TagId } from "../base/ids.ts";
import { subtractInto } from "../base/int32_set.ts";
import type { ImageSnapshot } from "../cache/image_snapshot.ts";
import type { Steps } from "./steps.ts";

/** Tags that are to follow from one tag. */
export type WantedGains = {
  /** The tag whose images are looked at. */
  tagId: TagId;
  /** Each tag of the chain with the tags that follow from it directly; the first one is the nearest. */
  chain: ReadonlyMap<TagId, readonly TagId[]>;
  /** Tag of the chain → images that are not to get it. */
  keptAway: ReadonlyMap<TagId, readonly ImageId[]>;
};

/**
 * How many images would get each tag of a chain if its first tag followed from another tag: a tag that is
 * kept away from an image does not come, and nothing follows from it. Cost: O(images of the tags), some
 * milliseconds at a million.
 */
export function* countGains(
  snapshot: ImageSnapshot,
  { tagId, chain, keptAway }: WantedGains,
): Steps<Map<TagId, number>> {
  const gains = new Map([...chain.keys()].map((tag): [TagId, number] => [tag, 0]));
  const special = new Set(snapshot.touchedRows());
  const refused = new Map<Row, Set<TagId>>();
  for (const [tag, images] of keptAway) {
    for (const image of images) {
      const row = snapshot.rowOfId(image);
      if (row === undefined) continue;
      special.add(row);
      refused.set(row, (refused.get(row) ?? new Set()).add(tag));
    }
  }
  yield;
  const rows = snapshot.columnRowsOfTag(tagId).filter((row) => !special.has(row));
  const rest = new Int32Array(rows.length);
  for (const tag of chain.keys()) {
    gains.set(tag, subtractInto(rows, snapshot.columnRowsOfTag(tag), rest));
    yield;
  }
  let looked = 0;
  for (const row of special) {
    if (++looked % 256 === 0) yield;
    if (!snapshot.isThere(row)) continue;
    for (const tag of gainsOf(snapshot, row, { tagId, chain, refused: refused.get(row) })) {
      gains.set(tag, gains.get(tag)! + 1);
    }
  }
  return gains;
}

/** Tags of the chain that one image would get. */
function gainsOf(
  snapshot: ImageSnapshot,
  row: Row,
  { tagId, chain, refused }: Pick<WantedGains, "tagId" | "chain"> & {
    refused: ReadonlySet<TagId> | undefined;
  },
): Set<TagId> {
  const own = new Set(snapshot.tagIdsAt(row));
  const gained = new Set<TagId>();
  if (!own.has(tagId)) return gained;
  const [first] = chain.keys();
  const waiting = [first];
  const seen = new Set(waiting);
  for (const tag of waiting) {
    if (!own.has(tag)) {
      if (refused?.has(tag) === true) continue;
      gained.add(tag);
    }
    for (const next of chain.get(tag) ?? []) {
      if (seen.has(next)) continue;
      seen.add(next);
      waiting.push(next);
    }
  }
  return gained;
}
