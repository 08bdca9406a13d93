import type { ImageId, Row } from "../base/ids.ts";
import type { ImageSnapshot } from "../cache/image_snapshot.ts";
import { childRowsOf, parentRowOf } from "../query/parents.ts";
import { readPostIds } from "../tags/post_ids.ts";
import { compareMergedSources } from "../tags/sources.ts";
import { type ImageView, toImageView } from "./image_view.ts";

/** What an image has to do with others, with you, and with the sites it came from. */
export type PostRelations = {
  parent: ImageView | null;
  /** The first of them, by id. */
  children: ImageView[];
  /** All of them. */
  childCount: number;
  /** Pools that hold it; `place` from 1, among the images that are there. */
  pools: { id: number; name: string; place: number; count: number }[];
  isFavourite: boolean;
};

/** Children that are shown. */
const CHILDREN_SHOWN_MAX = 24;

/** Finds what an image has to do with others. Cost: O(images in pools), and that of its children. */
export function findRelations(snapshot: ImageSnapshot, row: Row): PostRelations {
  const parent = parentRowOf(snapshot, row);
  const children = childRowsOf(snapshot, row);
  const favouritedAt = snapshot.stateOf(row)?.favouritedAt ?? snapshot.columns.favouritedAt[row];
  return {
    parent: parent === undefined ? null : toImageView(snapshot, parent),
    children: children.slice(0, CHILDREN_SHOWN_MAX).map((child) => toImageView(snapshot, child)),
    childCount: children.length,
    pools: findPools(snapshot, snapshot.idAt(row)),
    isFavourite: favouritedAt > 0,
  };
}

function findPools(snapshot: ImageSnapshot, id: ImageId): PostRelations["pools"] {
  const found: PostRelations["pools"] = [];
  for (const pool of snapshot.pools.all()) {
    if (!pool.imageIds.includes(id)) continue;
    const there = [...pool.imageIds].filter((other) => snapshot.rowOfId(other) !== undefined);
    const place = there.indexOf(id) + 1;
    found.push({ id: pool.id, name: pool.name, place, count: there.length });
  }
  return found;
}

/** A post of a site; the id is null where its site gave none. */
export type KnownPost = { site: string; id: number | null };

/**
 * The posts that a metadata document tells of, with the sites that gave no id; the main sites first.
 * Cost: that of parsing the document.
 */
export function findKnownPosts(metadata: string | null, sites: readonly string[]): KnownPost[] {
  const bytes = new TextEncoder().encode(metadata ?? "{}");
  const { sources, triples } = readPostIds({
    imageId: Int32Array.of(1),
    length: Int32Array.of(bytes.length),
    bytes,
  });
  const posts: KnownPost[] = [];
  for (let i = 0; i < triples.length; i += 3) {
    posts.push({ site: sources[triples[i]], id: triples[i + 1] });
  }
  const others = sites.filter((site) => !sources.includes(site)).map((site) => ({
    site,
    id: null,
  }));
  return [...posts, ...others].sort((a, b) => compareMergedSources(a.site, b.site));
}
