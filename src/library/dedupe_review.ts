import type { ImageId } from "../base/ids.ts";
import { readContent } from "../store/import_images.ts";
import type { DedupeGroup } from "./dedupe_report.ts";
import { type ImageView, toImageView } from "./image_view.ts";
import type { Library } from "./library.ts";
import { exists } from "./library_paths.ts";
import { resolveStored } from "./trash_files.ts";

/** A file of a group. */
export type ReviewFile = { filepath: string; isInPlace: boolean; isHardLink: boolean };

/** A group of a report as it is now. */
export type ReviewGroup = {
  md5: string;
  sizeBytes: number;
  /** Those that are still there; the first one is kept unless somebody says otherwise. */
  files: ReviewFile[];
};

/** Copies that can go, and what the disk would have back. */
export type Removable = { count: number; bytes: number };

/** What of the groups of a report is still to be done. */
export type DedupeReview = {
  /** Groups of which more than one file is there. */
  groups: ReviewGroup[];
  /** What can go of these groups, and what could when the report was made. */
  now: Removable;
  before: Removable;
};

/** Groups whose files are looked for at a time. */
const LOOKED_AT_ONCE = 64;

/** Looks which files of a report are still there. Cost: one look at each file, none at its bytes. */
export async function reviewDuplicates(
  library: Library,
  { groups, includeInPlace }: { groups: readonly DedupeGroup[]; includeInPlace: boolean },
): Promise<DedupeReview> {
  const review: DedupeReview = {
    groups: [],
    now: { count: 0, bytes: 0 },
    before: { count: 0, bytes: 0 },
  };
  for (let at = 0; at < groups.length; at += LOOKED_AT_ONCE) {
    const some = groups.slice(at, at + LOOKED_AT_ONCE).map(toReviewGroup);
    const looked = await Promise.all(some.map(({ files }) => onlyThere(library, files)));
    for (const [i, group] of some.entries()) {
      const now = { ...group, files: looked[i] };
      addRemovable(review.before, group, includeInPlace);
      addRemovable(review.now, now, includeInPlace);
      if (now.files.length > 1) review.groups.push(now);
    }
  }
  return review;
}

/** The files of a group that the report did not move itself. */
function toReviewGroup({ md5, sizeBytes, kept, isKeptInPlace, copies }: DedupeGroup): ReviewGroup {
  const left = copies.filter(({ trashId }) => trashId === null)
    .map(({ filepath, isInPlace, isHardLink }) => ({ filepath, isInPlace, isHardLink }));
  const first = { filepath: kept, isInPlace: isKeptInPlace, isHardLink: false };
  return { md5, sizeBytes, files: [first, ...left] };
}

async function onlyThere(library: Library, files: readonly ReviewFile[]): Promise<ReviewFile[]> {
  const areThere = await Promise.all(files.map(async ({ filepath }) => {
    try {
      return await exists(resolveStored(library, filepath));
    } catch {
      // Its folder is indexed no more, or cannot be read: nothing can be done with it.
      return false;
    }
  }));
  return files.filter((_, i) => areThere[i]);
}

function addRemovable(sum: Removable, group: ReviewGroup, includeInPlace: boolean): void {
  const own = includeInPlace ? group.files : group.files.filter(({ isInPlace }) => !isInPlace);
  for (const { isHardLink } of own.slice(1)) {
    sum.count++;
    if (!isHardLink) sum.bytes += group.sizeBytes;
  }
}

/** The image that has a content; null if none has. */
export function findImageOfContent({ core }: Library, md5: string): ImageView | null {
  const { current } = core.cache;
  const known = readContent(core.reader, md5);
  const row = known && current.rowOfId(known.imageId as ImageId);
  return row === undefined ? null : toImageView(current, row);
}
