import { QuerySyntaxError } from "../base/query_syntax_error.ts";
import type { ImageSnapshot } from "../cache/image_snapshot.ts";
import type { Pool } from "../cache/pool_table.ts";
import type { MetatagCompletion } from "./complete_metatags.ts";
import { parseQuery } from "./parser.ts";
import { quoted } from "./query_text.ts";

/**
 * Completes the name of a pool behind `pool:` or `ordpool:`: those that begin so come first, then those
 * that have the text anywhere, each the largest first. Cost: O(pools).
 */
export function completePools(
  snapshot: ImageSnapshot,
  options: { text: string; limit: number },
): MetatagCompletion[] {
  const { text, limit } = options;
  const colon = text.indexOf(":") + 1;
  const metatag = text.slice(0, colon).toLowerCase();
  const typed = toKey(text.slice(colon));
  const found: { pool: Pool; place: number }[] = [];
  for (const pool of snapshot.pools.all()) {
    const place = toKey(pool.name).indexOf(typed);
    if (place >= 0) found.push({ pool, place: Math.min(place, 1) });
  }
  return found
    .sort((a, b) => a.place - b.place || b.pool.imageIds.length - a.pool.imageIds.length)
    .slice(0, limit)
    .map(({ pool }) => {
      const value = toPoolTerm(pool, metatag);
      const count = pool.imageIds.length;
      const posts = `${count} ${count === 1 ? "post" : "posts"}`;
      const isNumbered = value === `${metatag}${pool.id}`;
      return { value, summary: isNumbered ? `${pool.name}, ${posts}` : posts, example: value };
    });
}

/** The text that a search reads as this pool: its name, in quotes if need be, else its number. */
function toPoolTerm({ id, name }: Pool, metatag: string): string {
  const key = toKey(name);
  const plain = metatag + name.replaceAll(/\s/gu, "_");
  for (const text of [plain, metatag + quoted(name)]) {
    if (!key.includes("*") && poolOf(text) === key && poolOf(`(${text})`) === key) return text;
  }
  return metatag + id;
}

function poolOf(text: string): unknown {
  try {
    const { root } = parseQuery(text);
    return root.kind === "pool" ? root.pool : undefined;
  } catch (error) {
    if (error instanceof QuerySyntaxError) return undefined;
    throw error;
  }
}

function toKey(name: string): string {
  return name.toLowerCase().replaceAll(/\s/gu, "_");
}
