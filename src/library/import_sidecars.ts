import { dirname, join } from "node:path";
import { toMessage } from "../base/errors.ts";
import { SIDECAR_TAGS_MAX } from "../base/limits.ts";
import type { SiteRecord } from "../store/import_images.ts";
import type { WantedTag } from "../store/tags.ts";
import { strongerCategory } from "../tags/category.ts";
import { isRatingTagName, type Rating, ratingOfTagName } from "../tags/ratings.ts";
import type { SavedImage } from "../tags/saved_image.ts";
import { parseJsonSidecar, parseTxtSidecar, sidecarNamesOf } from "../tags/sidecars.ts";
import { compareMergedSources } from "../tags/sources.ts";
import type { ExtractedPost } from "../tags/tag_extraction.ts";
import { type ReadSidecar, readSidecarFile } from "./sidecar_file.ts";

/** What the sidecars of a file say, and what is wrong with them. */
export type SidecarFindings = {
  tags: WantedTag[];
  rating: Rating | null;
  sites: SiteRecord[];
  /** What an export says of the content, tags and all; undefined without one. */
  saved?: SavedImage;
  /** The sidecars that were understood, as they were. */
  read: ReadSidecar[];
  /** The sidecars that speak of other bytes than the file's. */
  foreign: string[];
  warnings: string[];
};

/** Reads the names in a folder once while its files are imported. */
export type FolderNames = (folder: string) => Promise<ReadonlySet<string>>;

/** Makes a {@link FolderNames} that remembers the last few folders. */
export function makeFolderNames(): FolderNames {
  const kept = new Map<string, Promise<Set<string>>>();
  return (folder) => {
    let names = kept.get(folder);
    if (names === undefined) {
      names = readNames(folder);
      kept.set(folder, names);
      if (kept.size > 8) kept.delete(kept.keys().next().value!);
    }
    return names;
  };
}

async function readNames(folder: string): Promise<Set<string>> {
  const names = new Set<string>();
  // Files only: a link may lead out of the folder, and to read a pipe is to wait for ever.
  for await (const entry of Deno.readDir(folder)) if (entry.isFile) names.add(entry.name);
  return names;
}

/**
 * Reads every sidecar of a file: the sites' posts and the tag lists beside it, merged. A sidecar that
 * cannot be read is a warning; the file is imported all the same.
 */
export async function readSidecars(
  file: { path: string; name: string },
  md5: string,
  folderNames: FolderNames,
): Promise<SidecarFindings> {
  const folder = dirname(file.path);
  const names = await folderNames(folder);
  const candidates = sidecarNamesOf(file.name);
  const warnings: string[] = [];
  const posts: { post: ExtractedPost; json: string }[] = [];
  const tags = new Map<string, WantedTag>();
  let listRating: Rating | null = null;
  let saved: SavedImage | undefined;
  const savedPosts: typeof posts = [];
  const done: ReadSidecar[] = [];
  const foreign: string[] = [];
  const warnForeign = (name: string, other: string) => {
    foreign.push(name);
    warnings.push(`${name}: it speaks of md5 ${other}, the file has ${md5}`);
  };
  const read = async (name: string, use: (bytes: Uint8Array) => void) => {
    if (!names.has(name)) return;
    try {
      const path = join(folder, name);
      const { bytes, version } = await readSidecarFile(path);
      use(bytes);
      done.push({ path, version });
    } catch (error) {
      warnings.push(`${name}: ${toMessage(error)}`);
    }
  };
  for (const name of candidates.json) {
    await read(name, (bytes) => {
      const sidecar = parseJsonSidecar(bytes);
      if (sidecar.saved !== null) {
        if (sidecar.saved.md5 === md5) {
          saved = sidecar.saved;
          savedPosts.push(...sidecar.posts);
        } else warnForeign(name, sidecar.saved.md5);
        listRating ??= addSaved(tags, sidecar.saved);
        return;
      }
      for (const found of sidecar.posts) {
        posts.push(found);
        const other = found.post.md5;
        if (other !== null && other !== md5) warnForeign(name, other);
      }
    });
  }
  // The list of an export names implied tags too, which nobody stated.
  const savedNames = new Set(saved?.tags.map((tag) => tag.name));
  for (const name of candidates.txt) {
    await read(name, (bytes) => {
      const list = parseTxtSidecar(bytes);
      listRating ??= list.rating;
      for (const tag of list.tags) if (!savedNames.has(tag.name)) addTag(tags, tag);
    });
  }
  posts.sort((a, b) => compareMergedSources(a.post.source, b.post.source));
  for (const { post } of posts) for (const tag of post.tags) addTag(tags, tag);
  return {
    tags: takeTags(tags, warnings),
    rating: posts.find(({ post }) => post.rating !== null)?.post.rating ?? listRating,
    sites: [...posts, ...savedPosts].map(toSiteRecord),
    ...(saved === undefined ? {} : { saved }),
    read: done,
    foreign,
    warnings,
  };
}

function takeTags(tags: ReadonlyMap<string, WantedTag>, warnings: string[]): WantedTag[] {
  if (tags.size > SIDECAR_TAGS_MAX) {
    warnings.push(`of ${tags.size} tags the first ${SIDECAR_TAGS_MAX} were taken`);
  }
  return [...tags.values()].slice(0, SIDECAR_TAGS_MAX);
}

/** Takes the tags that were stated of an image when it was exported; gives its rating. */
function addSaved(tags: Map<string, WantedTag>, saved: SavedImage): Rating | null {
  let rating: Rating | null = null;
  for (const { name, category, origin } of saved.tags) {
    if (origin === "implication") continue;
    if (isRatingTagName(name)) rating = ratingOfTagName(name) ?? rating;
    else addTag(tags, { name, category });
  }
  return rating;
}

/** A name has the strongest category that any sidecar gives it. */
function addTag(tags: Map<string, WantedTag>, { name, category }: WantedTag): void {
  tags.set(name, { name, category: strongerCategory(tags.get(name)?.category ?? null, category) });
}

function toSiteRecord({ post, json }: { post: ExtractedPost; json: string }): SiteRecord {
  return {
    source: post.source,
    object: json,
    postId: post.postId,
    parentId: post.parentId,
    hasChildren: post.hasChildren,
    score: post.score,
    favCount: post.favCount,
    sourceUrl: post.sourceUrls[0] ?? post.sourceText,
    postedAt: post.createdAt,
  };
}
