import { basename, relative } from "node:path";
import { IMAGE_PIXELS_MAX } from "../base/limits.ts";
import {
  contentThumbnailPath,
  getThumbnailPath,
  resolveInside,
  splitExtension,
  toPosix,
} from "../media/paths.ts";
import { mediaTypeOfExt } from "../media/sniff.ts";
import { hasImageOfStem, type PlaceRow, readKnownContents } from "../store/check_places.ts";
import { type Finding, finding } from "./check_kinds.ts";
import type { PlaceVerdict } from "./check_places.ts";
import { inBatches, walkFolder } from "./import_walk.ts";
import type { Library } from "./library.ts";

const FILES_AT_ONCE = 500;

/**
 * Finds pictures that could have a thumbnail and have none. Films may have none: they need ffmpeg. Of an
 * image whose file is not there nothing is said: that is another finding.
 */
export async function findMissingThumbnails(
  library: Library,
  verdicts: readonly PlaceVerdict[],
): Promise<Finding[]> {
  const sound = verdicts.filter(({ file, fault, place }) =>
    file !== null && fault?.kind !== "wrong_hash" && canHaveThumbnail(place)
  );
  const found = await Promise.all(sound.map(async ({ place }) => {
    if (await hasThumbnail(library, place)) return null;
    const { filepath: path, imageId: id } = place;
    return finding("missing_thumbnail", { path, id, message: "It has no thumbnail" });
  }));
  return found.filter((one) => one !== null);
}

function canHaveThumbnail({ filepath, ext, width, height }: PlaceRow): boolean {
  const type = mediaTypeOfExt(ext ?? splitExtension(basename(filepath)).ext.slice(1));
  return type?.kind === "image" && (width ?? 0) * (height ?? 0) <= IMAGE_PIXELS_MAX;
}

/** Whether an image has a thumbnail, ours or one by the original's rule. */
export async function hasThumbnail(
  library: Library,
  { md5, filepath }: Pick<PlaceRow, "md5" | "filepath">,
): Promise<boolean> {
  const own = contentThumbnailPath(md5);
  const paths = filepath.startsWith("@") ? [own] : [own, toOriginalName(filepath)];
  for (const path of paths) {
    if (await hasBytes(resolveInside(library.paths.thumbnails, path))) return true;
  }
  return false;
}

function toOriginalName(filepath: string): string {
  return getThumbnailPath(filepath).slice("thumbnails/".length);
}

async function hasBytes(path: string): Promise<boolean> {
  try {
    const info = await Deno.stat(path);
    return info.isFile && info.size > 0;
  } catch {
    // Whatever is in the way, there is no thumbnail to be served.
    return false;
  }
}

/** Finds thumbnails of nothing; those of images in the trash stay. */
export async function findOrphanThumbnails(
  library: Library,
  options: { signal?: AbortSignal } = {},
): Promise<Finding[]> {
  const { thumbnails } = library.paths;
  const found: Finding[] = [];
  const walk = walkFolder(thumbnails, {
    exclude: [],
    signal: options.signal,
    onSkip: ({ path, code, reason }) => {
      if (code !== "unreadable") return;
      found.push(finding("unreadable_file", { path, message: reason }));
    },
  });
  for await (const files of inBatches(walk, FILES_AT_ONCE)) {
    const paths = files.map((file) => toPosix(relative(thumbnails, file.path)));
    const orphans = selectOrphans(library, paths.filter((path) => path.endsWith(".webp")));
    found.push(...orphans.map((path) => {
      const message = "No image has this thumbnail";
      return finding("orphan_thumbnail", { path: `thumbnails/${path}`, message });
    }));
  }
  return found;
}

/** Whether what {@link findOrphanThumbnails} named `thumbnails/…` is still no image's. */
export function isOrphanThumbnail(library: Library, path: string): boolean {
  return selectOrphans(library, [path.slice("thumbnails/".length)]).length > 0;
}

/** Of some paths in the folder of thumbnails those of no image. */
function selectOrphans(library: Library, paths: readonly string[]): string[] {
  const { reader } = library.core;
  const known = readKnownContents(reader, paths.map(toStem));
  return paths.filter((path) => {
    const stem = toStem(path);
    const isOwn = known.has(stem) && path === contentThumbnailPath(stem);
    return !isOwn && !hasImageOfStem(reader, path.slice(0, -".webp".length));
  });
}

function toStem(path: string): string {
  return basename(path, ".webp");
}
