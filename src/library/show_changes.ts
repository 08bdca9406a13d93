import { toMessage } from "../base/errors.ts";
import type { ImageId } from "../base/ids.ts";
import { log } from "../base/log.ts";
import type { Library } from "./library.ts";

/**
 * Makes what was just committed visible. It never fails, since the change is done: what goes wrong is
 * logged, and the next poll repairs it.
 *
 * While an operation commits thousands of changes, an edit of one image shows that image (`imageId`) alone:
 * it does not wait for all the others.
 */
export async function showChanges({ core }: Library, imageId?: ImageId): Promise<void> {
  try {
    const { current } = core.cache;
    const row = imageId === undefined ? undefined : current.rowOfId(imageId);
    if (row !== undefined && core.isHeld()) {
      await core.cache.reloadSingleImage(current.filepathAt(row));
    } else await core.cache.catchUp();
  } catch (error) {
    log("cache").warn("A change will show later: {reason}", { reason: toMessage(error) });
  }
}
