import type { Library } from "./library.ts";
import { type Task, unlessAborted } from "./tasks.ts";

/**
 * Loads everything anew as a task that sees what was committed before; asked for while one runs, another
 * load follows it, and the running task is given.
 *
 * A cancelled task stops to wait at once. The load goes on, since several may wait for it and it harms
 * nothing: the snapshot that is served is replaced when it is complete, or stays.
 */
export function startReload(library: Library): Task {
  const running = library.tasks.active("reload");
  if (running?.state === "running") {
    // The running load may have begun before this request: another follows it, as for every caller.
    library.core.cache.loadDataFromDbAsync();
    return running;
  }
  return library.tasks.start("reload", async ({ signal, report }) => {
    const ended = new AbortController();
    library.core.events.on("loadProgressed", ({ stage, done, total }) => {
      report({ done, total, message: stage });
    }, { signal: ended.signal });
    try {
      await unlessAborted(library.core.cache.loadDataFromDb({ verbose: false }), signal);
    } finally {
      ended.abort();
    }
    return { generation: library.core.cache.current.generation };
  });
}
