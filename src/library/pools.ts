import { AppError } from "../base/errors.ts";
import type { PoolId } from "../base/ids.ts";
import { POOL_IMAGES_MAX, POOL_NAME_LENGTH_MAX } from "../base/limits.ts";
import type { PoolChange } from "../store/pools.ts";
import { INVISIBLE, UNSTORABLE } from "../tags/tag_name.ts";
import type { Library } from "./library.ts";
import { showChanges } from "./show_changes.ts";

/**
 * Makes or changes a pool, makes that visible, and gives the pool's id. Underscores of a name become
 * spaces, as the original shows names as they are; they mean the same to a search.
 *
 * @throws {AppError} `not_found`, `bad_request` or `conflict`, naming what is wrong.
 */
export async function savePool(library: Library, change: PoolChange): Promise<PoolId> {
  const name = change.name === null ? null : checkPoolName(change.name);
  if (change.imageIds !== null && change.imageIds.length > POOL_IMAGES_MAX) {
    throw new AppError("bad_request", `A pool has at most ${POOL_IMAGES_MAX} posts`);
  }
  const { poolId } = await library.writer.call("savePool", { ...change, name });
  await showChanges(library);
  return poolId;
}

/**
 * Removes a pool, and makes that visible.
 *
 * @throws {AppError} `not_found` without such a pool.
 */
export async function deletePool(library: Library, id: PoolId): Promise<void> {
  await library.writer.call("deletePool", { id });
  await showChanges(library);
}

/**
 * Gives the name of a pool as it is stored.
 *
 * @throws {AppError} `bad_request` if a search could not name it.
 */
export function checkPoolName(text: string): string {
  const name = text.replaceAll(INVISIBLE, "").normalize("NFC").replaceAll(/[\s_\u0085]+/gu, " ")
    .trim();
  const fault = faultOf(name);
  if (fault === undefined) return name;
  throw new AppError(
    "bad_request",
    `Cannot name a pool ${JSON.stringify(text.slice(0, 80))}: ${fault}`,
  );
}

function faultOf(name: string): string | undefined {
  if (name === "") return "it is empty";
  if (name.length > POOL_NAME_LENGTH_MAX) {
    return `it is longer than ${POOL_NAME_LENGTH_MAX} characters`;
  }
  if (UNSTORABLE.test(name)) return "it holds a control character";
  if (name.includes("*")) return `"*" is the wildcard of the search`;
  if (/^\d+$/.test(name)) return "a search takes a number for the pool's id";
  if (/^(any|none|series|collection)$/i.test(name)) return "that word means something else";
  return undefined;
}
