import { toMessage } from "../base/errors.ts";
import { log } from "../base/log.ts";
import type { Library } from "./library.ts";

/**
 * Makes what was just committed visible. It never fails, since the change is done: what goes wrong is
 * logged, and the next poll repairs it.
 */
export async function showChanges({ core }: Library): Promise<void> {
  try {
    await core.cache.catchUp();
  } catch (error) {
    log("cache").warn("A change will show later: {reason}", { reason: toMessage(error) });
  }
}
