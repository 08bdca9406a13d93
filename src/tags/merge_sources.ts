import { AppError } from "../base/errors.ts";
import { strongerCategory } from "./category.ts";
import { isJsonObject, objectFieldOf, parseJson } from "./json.ts";
import type { Rating } from "./ratings.ts";
import {
  compareMergedSources,
  makeSourceComparison,
  MERGED_SOURCE,
  TAGGER_SOURCES,
} from "./sources.ts";
import { type ExtractedPost, type ExtractedTag, extractPost } from "./tag_extraction.ts";

/** What speaks for an image: the tags and the numbers of one source, or of several together. */
export type SpokenFor = {
  tags: ExtractedTag[];
  rating: Rating | null;
  /** Post id, parent and whether there are children, all at one site. */
  postId: number | null;
  parentId: number | null;
  hasChildren: boolean | null;
  score: number | null;
  favCount: number | null;
};

/**
 * Reads the posts of a `raw_metadata` document by their source, in its order; what is no object is left
 * out, and a document that does not parse has none. Cost: that of parsing it.
 */
export function readSourcePosts(document: string | null): Map<string, ExtractedPost> {
  const posts = new Map<string, ExtractedPost>();
  for (const [source, post] of Object.entries(readSources(document))) {
    if (isJsonObject(post)) posts.set(source, extractPost(post, { source }));
  }
  return posts;
}

function readSources(document: string | null): Record<string, unknown> {
  if (document === null) return {};
  try {
    const parsed = parseJson(document);
    return isJsonObject(parsed) ? objectFieldOf(parsed, "sources") : {};
  } catch (error) {
    // Documents of other programs may be anything.
    if (error instanceof AppError) return {};
    throw error;
  }
}

/**
 * Merges posts of several sources: every tag of each, once, under the strongest category that any of them
 * gives it ({@link CATEGORY_PRECEDENCE}), whatever their order. Rating, score and favourites are those of
 * the first source that has one, the post's numbers those of the first with a post id. Programs that guess
 * tags count only where no site knows the image.
 *
 * `priority` is the order of the sources; without it the usual one.
 */
export function mergeTagSources(
  posts: ReadonlyMap<string, ExtractedPost>,
  options: { priority?: readonly string[] } = {},
): SpokenFor {
  const compare = options.priority === undefined
    ? compareMergedSources
    : makeSourceComparison(options.priority);
  const sources = [...posts.keys()].sort(compare);
  const sites = sources.filter((source) => !TAGGER_SOURCES.includes(source));
  const merged = (sites.length > 0 ? sites : sources).map((source) => posts.get(source)!);
  const categories = new Map<string, ExtractedTag["category"]>();
  for (const { tags } of merged) {
    for (const { name, category } of tags) {
      categories.set(name, strongerCategory(categories.get(name) ?? null, category));
    }
  }
  const first = merged.find(({ postId }) => postId !== null) ?? merged.at(0);
  const firstOf = <T>(read: (post: ExtractedPost) => T | null): T | null =>
    merged.map(read).find((value) => value !== null) ?? null;
  return {
    tags: Array.from(categories, ([name, category]) => ({ name, category })),
    rating: firstOf(({ rating }) => rating),
    postId: first?.postId ?? null,
    parentId: first?.parentId ?? null,
    hasChildren: first?.hasChildren ?? null,
    score: firstOf(({ score }) => score),
    favCount: firstOf(({ favCount }) => favCount),
  };
}

/**
 * Gives what one source says of an image, or all of them together. A source that does not rate leaves the
 * rating to the others: an image must not lose its rating by a choice of tags.
 */
export function speakFor(
  posts: ReadonlyMap<string, ExtractedPost>,
  { source, priority }: { source: string; priority: readonly string[] },
): SpokenFor {
  const merged = mergeTagSources(posts, { priority });
  const post = posts.get(source);
  if (post === undefined) return merged;
  const { tags, rating, postId, parentId, hasChildren, score, favCount } = post;
  return {
    tags,
    rating: rating ?? merged.rating,
    postId,
    parentId,
    hasChildren,
    score,
    favCount,
  };
}

/**
 * Decides which source speaks for an image: a person's choice, else the first of the order that the image
 * has, where `merged` stands for images that several sites know. Null: no source knows it.
 */
export function chooseSource(
  posts: ReadonlyMap<string, ExtractedPost>,
  { choice, priority }: { choice: string | null; priority: readonly string[] },
): string | null {
  if (posts.size === 0) return null;
  if (choice !== null && (choice === MERGED_SOURCE || posts.has(choice))) return choice;
  const sources = [...posts.keys()];
  const isShared = sources.filter((source) => !TAGGER_SOURCES.includes(source)).length > 1;
  const named = priority.find((name) => name === MERGED_SOURCE ? isShared : posts.has(name));
  if (named !== undefined) return named;
  return isShared ? MERGED_SOURCE : sources.sort(makeSourceComparison(priority))[0];
}
