import { dirname, join } from "node:path";
import { AppError, toMessage } from "../base/errors.ts";
import { SIDECAR_BYTES_MAX } from "../base/limits.ts";
import type { SiteRecord } from "../store/import_images.ts";
import type { WantedTag } from "../store/tags.ts";
import type { Rating } from "../tags/ratings.ts";
import { parseJsonSidecar, parseTxtSidecar, sidecarNamesOf } from "../tags/sidecars.ts";
import { compareMergedSources } from "../tags/sources.ts";
import type { ExtractedPost } from "../tags/tag_extraction.ts";

/** What the sidecars of a file say, and what is wrong with them. */
export type SidecarFindings = {
  tags: WantedTag[];
  rating: Rating | null;
  sites: SiteRecord[];
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
  const read = async (name: string, use: (bytes: Uint8Array) => void) => {
    if (!names.has(name)) return;
    try {
      use(await readBounded(join(folder, name)));
    } catch (error) {
      warnings.push(`${name}: ${toMessage(error)}`);
    }
  };
  for (const name of candidates.json) {
    await read(name, (bytes) => {
      for (const found of parseJsonSidecar(bytes).posts) {
        posts.push(found);
        const other = found.post.md5;
        if (other !== null && other !== md5) {
          warnings.push(`${name}: it speaks of md5 ${other}, the file has ${md5}`);
        }
      }
    });
  }
  for (const name of candidates.txt) {
    await read(name, (bytes) => {
      const list = parseTxtSidecar(bytes);
      listRating ??= list.rating;
      for (const tag of list.tags) addTag(tags, tag);
    });
  }
  posts.sort((a, b) => compareMergedSources(a.post.source, b.post.source));
  for (const { post } of posts) for (const tag of post.tags) addTag(tags, tag);
  return {
    tags: [...tags.values()],
    rating: posts.find(({ post }) => post.rating !== null)?.post.rating ?? listRating,
    sites: posts.map(toSiteRecord),
    warnings,
  };
}

/** Of two sources the first that knows a category decides it. */
function addTag(tags: Map<string, WantedTag>, tag: WantedTag): void {
  const known = tags.get(tag.name);
  if (known === undefined || known.category === null) tags.set(tag.name, tag);
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

async function readBounded(path: string): Promise<Uint8Array> {
  const { size } = await Deno.stat(path);
  if (size > SIDECAR_BYTES_MAX) {
    throw new AppError(
      "payload_too_large",
      `it has ${size} bytes; the limit is ${SIDECAR_BYTES_MAX}`,
    );
  }
  return await Deno.readFile(path);
}
