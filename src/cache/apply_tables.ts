import type { PoolId } from "../base/ids.ts";
import { AliasTable } from "./alias_table.ts";
import type { ImageSnapshot } from "./image_snapshot.ts";
import type { CachePorts } from "./ports.ts";
import type { Pool } from "./pool_table.ts";

/** Which of the small tables beside the columns changed. */
export type TableChanges = { poolIds: readonly PoolId[]; hasAliasChanges: boolean };

/** The changed parts of the small tables as they are now. */
export type TableReading = { pools: [PoolId, Pool | null][]; aliases: AliasTable | null };

/** Reads what changed; a pool that does not exist is gone. Cost: O(those pools), or all aliases. */
export async function readTables(ports: CachePorts, changes: TableChanges): Promise<TableReading> {
  const { poolIds, hasAliasChanges } = changes;
  const found = poolIds.length === 0 ? [] : await ports.readPools(poolIds);
  const pools = new Map(found.map((pool) => [pool.id, pool]));
  return {
    pools: poolIds.map((id) => [id, pools.get(id) ?? null]),
    aliases: hasAliasChanges ? await AliasTable.build(await ports.readAliases()) : null,
  };
}

/** A snapshot in which the small tables are as read; the same one if nothing was. */
export function applyTables(snapshot: ImageSnapshot, reading: TableReading): ImageSnapshot {
  const { pools, aliases } = reading;
  if (pools.length > 0) snapshot = snapshot.withPools(snapshot.pools.with(pools));
  return aliases === null ? snapshot : snapshot.withAliases(aliases);
}
