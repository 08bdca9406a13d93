import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import { AppError } from "../../base/errors.ts";
import type { Task } from "../../library/tasks.ts";
import { restoreFromTrash } from "../../library/trash.ts";
import { listTags } from "../../query/tag_list.ts";
import { readTrash } from "../../store/trash.ts";
import { check, readId, TAG_LIST } from "../params.ts";
import type { ServerState } from "../server_state.ts";

/** Entries of the trash that one answer lists. */
const TRASH_LISTED_MAX = 200;
/** A comment that often keeps proxies from closing a silent stream. */
const KEEP_ALIVE_MS = 15_000;

/** `/status`, `/cache/reload`, `/tags`, `/tasks…`, `/trash…`. */
export function buildLibraryRoutes(state: ServerState): Hono {
  const { library } = state;
  const routes = new Hono();
  routes.get("/status", (context) => context.json(toStatus(state)));
  routes.post("/cache/reload", (context) => {
    const running = library.tasks.list().find((task) =>
      task.kind === "reload" && task.state === "running"
    );
    if (running !== undefined) {
      // The running load may have begun before this request: another follows it, as for every caller.
      library.core.cache.loadDataFromDbAsync();
      return context.json(running, 202, { location: `/api/tasks/${running.id}` });
    }
    const task = library.tasks.start("reload", async ({ report }) => {
      const ended = new AbortController();
      library.core.events.on("loadProgressed", ({ stage, done, total }) => {
        report({ done, total, message: stage });
      }, { signal: ended.signal });
      try {
        await library.core.cache.loadDataFromDb({ verbose: false });
      } finally {
        ended.abort();
      }
      return { generation: library.core.cache.current.generation };
    });
    return context.json(task, 202, { location: `/api/tasks/${task.id}` });
  });
  routes.get("/tags", (context) => {
    const wanted = check(TAG_LIST, context.req.query());
    return context.json({ tags: listTags(library.core.cache.current, wanted) });
  });
  routes.get("/trash", (context) => {
    const entries = readTrash(library.core.reader, { limit: TRASH_LISTED_MAX, offset: 0 });
    return context.json({
      entries: entries.map(({ id, state: phase, manifest }) => ({
        id,
        state: phase,
        imageId: manifest.imageId,
        md5: manifest.md5,
        filepath: manifest.filepath,
        trashedAtMs: manifest.trashedAtMs,
      })),
    });
  });
  routes.post("/trash/:id/restore", async (context) => {
    return context.json({ id: await restoreFromTrash(library, readId(context)) });
  });
  addTaskRoutes(routes, state);
  return routes;
}

function addTaskRoutes(routes: Hono, state: ServerState): void {
  const { tasks } = state.library;
  const requireTask = (id: string | undefined): Task => {
    const task = tasks.get(id ?? "");
    if (task === undefined) throw new AppError("not_found", `There is no task ${id}`);
    return task;
  };
  routes.get("/tasks", (context) => context.json({ tasks: tasks.list() }));
  routes.get("/tasks/:id", (context) => context.json(requireTask(context.req.param("id"))));
  routes.delete("/tasks/:id", (context) => {
    const task = requireTask(context.req.param("id"));
    if (!tasks.cancel(task.id)) throw new AppError("conflict", `Task ${task.id} is not running`);
    return context.json(requireTask(task.id), 202);
  });
  routes.get("/tasks/:id/events", (context) => {
    const first = requireTask(context.req.param("id"));
    return streamSSE(context, async (stream) => {
      const gone = new AbortController();
      stream.onAbort(() => gone.abort());
      const signal = AbortSignal.any([gone.signal, state.shutdown]);
      let wake = () => {};
      let task = first;
      tasks.events.on("changed", (changed) => {
        if (changed.id !== first.id) return;
        task = changed;
        wake();
      }, { signal });
      signal.addEventListener("abort", () => wake());
      while (true) {
        const shown = task;
        await stream.writeSSE({ event: "task", data: JSON.stringify(shown) });
        if (shown.state !== "running") break;
        while (task === shown && !signal.aborted) {
          const isQuiet = await waitFor((resolve) => void (wake = resolve), KEEP_ALIVE_MS);
          if (isQuiet) await stream.write(": still running\n\n");
        }
        if (signal.aborted) break;
      }
      gone.abort();
    });
  });
}

/** Waits until `register`'s callback is called, at most `timeoutMs`; true when nobody called. */
async function waitFor(
  register: (resolve: () => void) => void,
  timeoutMs: number,
): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(true), timeoutMs);
  register(() => resolve(false));
  const isQuiet = await promise;
  clearTimeout(timer);
  return isQuiet;
}

function toStatus(state: ServerState) {
  const { library, stalls } = state;
  const snapshot = library.core.cache.current;
  return {
    version: state.version,
    generation: snapshot.generation,
    loading: library.core.cache.isLoading(),
    progress: state.progress(),
    images: snapshot.length,
    tags: snapshot.usedTagCount,
    tagLinks: snapshot.tagLinkCount,
    postIds: snapshot.postIdCount,
    loadMs: state.loadMs(),
    loadedFrom: state.loadedFrom(),
    memory: { rssBytes: Deno.memoryUsage().rss },
    // Counts of tags are no cache: they are lengths of the lists, so that no read can miss.
    caches: {
      imageDetails: library.details.stats,
      similarityWeights: library.similar.weightStats(snapshot),
      similarImages: library.similar.stats,
      searchPages: library.pages.stats,
    },
    stalls: stalls.figures,
  };
}
