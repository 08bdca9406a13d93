import { FolderWatcher } from "../src/system/watch_files.ts";
import type { WatcherContract } from "../src/worker/contracts.ts";
import { serve } from "../src/worker/serve.ts";

/** What is watched, by the numbers that the caller gave. */
const watchers = new Map<number, FolderWatcher>();

serve<WatcherContract>({
  open: ({ id, folder, apart }) => {
    watchers.set(id, new FolderWatcher(folder, apart));
    return null;
  },
  next: ({ id }) => watchers.get(id)?.next() ?? null,
  close: ({ id }) => {
    watchers.get(id)?.close();
    watchers.delete(id);
    return null;
  },
});
