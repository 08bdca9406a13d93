import type { PoolId } from "../base/ids.ts";
import { decodeTexts, type PackedTexts } from "./packed_texts.ts";

/** A pool: images in an order to read them in. */
export type Pool = {
  readonly id: PoolId;
  readonly name: string;
  readonly description: string;
  /** In reading order (sort_order, then image id); may name images that are gone. */
  readonly imageIds: Int32Array;
};

/** All pools, ascending by id: name and description of each in `texts`, then `imageCount[i]` images. */
export type PackedPools = {
  poolId: Int32Array<ArrayBuffer>;
  texts: PackedTexts;
  imageCount: Int32Array<ArrayBuffer>;
  imageId: Int32Array<ArrayBuffer>;
};

type Base = {
  /** Ascending by id. */
  pools: ReadonlyMap<PoolId, Pool>;
  idsByKey: ReadonlyMap<string, readonly PoolId[]>;
};

/**
 * The pools, immutable.
 *
 * A table is one base and a small patch of pools that were added, changed or removed since; a changed
 * table shares the base with the old one.
 */
export class PoolTable {
  readonly #base: Base;
  readonly #patch: ReadonlyMap<PoolId, Pool | null>;
  readonly #patched: Base;
  readonly #size: number;

  private constructor(base: Base, patch: ReadonlyMap<PoolId, Pool | null>) {
    this.#base = base;
    this.#patch = patch;
    this.#patched = indexPools([...patch.values()].filter((pool) => pool !== null));
    let size = base.pools.size;
    for (const [id, pool] of patch) {
      size += (pool === null ? 0 : 1) - (base.pools.has(id) ? 1 : 0);
    }
    this.#size = size;
  }

  /** The table without pools. */
  static readonly EMPTY: PoolTable = new PoolTable(indexPools([]), new Map());

  /** A table of these pools. Cost: O(pools and their images). */
  static of(pools: Iterable<Pool>): PoolTable {
    return new PoolTable(indexPools(pools), new Map());
  }

  /** Decodes packed pools in slices. Cost: O(pools and their images). */
  static async build(packed: PackedPools): Promise<PoolTable> {
    const texts = await decodeTexts(packed.texts);
    let end = 0;
    const pools = Array.from(packed.poolId, (id, i): Pool => ({
      id,
      name: texts[2 * i],
      description: texts[2 * i + 1],
      imageIds: packed.imageId.subarray(end, end += packed.imageCount[i]),
    }));
    return PoolTable.of(pools);
  }

  /** Pools of this table. */
  get size(): number {
    return this.#size;
  }

  /** A pool by its id. Cost: O(1). */
  get(id: PoolId): Pool | undefined {
    const patched = this.#patch.get(id);
    return patched === undefined ? this.#base.pools.get(id) : patched ?? undefined;
  }

  /**
   * Id of a pool by its name in any case, with spaces or underscores; of several the lowest. Cost: O(1).
   */
  idOf(name: string): PoolId | undefined {
    const key = toKey(name);
    const kept = this.#base.idsByKey.get(key)?.filter((id) => !this.#patch.has(id)) ?? [];
    return [...kept, ...this.#patched.idsByKey.get(key) ?? []].sort((a, b) => a - b)[0];
  }

  /** Every pool, ascending by id. Cost: O(pools). */
  *all(): Generator<Pool> {
    const added = [...this.#patched.pools.values()];
    let next = 0;
    for (const pool of this.#base.pools.values()) {
      while (next < added.length && added[next].id < pool.id) yield added[next++];
      if (!this.#patch.has(pool.id)) yield pool;
    }
    yield* added.slice(next);
  }

  /** A table in which these pools are as given, null meaning removed. Cost: O(size of the patch). */
  with(changes: Iterable<[PoolId, Pool | null]>): PoolTable {
    return new PoolTable(this.#base, new Map([...this.#patch, ...changes]));
  }
}

function indexPools(pools: Iterable<Pool>): Base {
  const sorted = [...pools].sort((a, b) => a.id - b.id);
  const idsByKey = new Map<string, PoolId[]>();
  for (const { id, name } of sorted) {
    const key = toKey(name);
    const ids = idsByKey.get(key);
    if (ids === undefined) idsByKey.set(key, [id]);
    else ids.push(id);
  }
  return { pools: new Map(sorted.map((pool) => [pool.id, pool])), idsByKey };
}

function toKey(name: string): string {
  return name.toLowerCase().replaceAll(" ", "_");
}
