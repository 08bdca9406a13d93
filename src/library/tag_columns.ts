import { countStaleTagColumns } from "../store/stale_tag_columns.ts";
import type { Library } from "./library.ts";
import { showChanges } from "./show_changes.ts";

/**
 * Writes the `tags_*` columns of images whose tags got other categories, some hundred images a transaction.
 * The images that are left are remembered in the database, so that the next call goes on. Searches do not
 * wait for it: they know the categories as soon as the tags have them. Gives how many images it were.
 */
export async function finishTagColumns(
  library: Library,
  options: { signal?: AbortSignal; onProgress?: (done: number, total: number) => void } = {},
): Promise<number> {
  const total = countStaleTagColumns(library.core.reader);
  let done = 0;
  while (done < total) {
    options.signal?.throwIfAborted();
    const { written } = await library.writer.call("writeStaleTagColumns", null);
    if (written === 0) break;
    done += written;
    options.onProgress?.(done, total);
  }
  if (done > 0) await showChanges(library);
  return done;
}
