import { type Context, Hono } from "hono";
import { type SSEStreamingApi, streamSSE } from "hono/streaming";
import * as z from "zod";
import { AppError } from "../../base/errors.ts";
import { TASKS_KEPT_MAX } from "../../base/limits.ts";
import { startReload } from "../../library/reload.ts";
import { isActive, type Task, TASK_STATES, type TaskRunner } from "../../library/tasks.ts";
import { apiHandler } from "../middleware.ts";
import { check, wholeNumber } from "../params.ts";
import { answerTask } from "../responses.ts";
import type { ServerState } from "../server_state.ts";

/** A comment that often keeps proxies from closing a silent stream. */
const KEEP_ALIVE_MS = 15_000;
/** Ids of events are of one start of the server: another counts from the beginning again. */
const START = crypto.randomUUID().slice(0, 8);

/** Query of `GET /api/tasks`. */
export const TASK_LIST = z.object({
  kind: z.string().max(100).optional().describe("Only tasks of this kind"),
  state: z.enum(TASK_STATES).optional().describe("Only tasks in this state"),
  limit: wholeNumber(TASKS_KEPT_MAX).default(TASKS_KEPT_MAX).describe("The newest of them"),
});

/** `/cache/reload` and `/tasks…`. */
export function buildTaskRoutes(state: ServerState): Hono {
  const { tasks } = state.library;
  const routes = new Hono();
  routes.post(
    "/cache/reload",
    apiHandler((context) => answerTask(context, startReload(state.library))),
  );
  routes.get(
    "/tasks",
    apiHandler((context) => {
      const { kind, state: wanted, limit } = check(TASK_LIST, context.req.query());
      const found = tasks.list().filter((task) =>
        (kind === undefined || task.kind === kind) &&
        (wanted === undefined || task.state === wanted)
      );
      return { tasks: found.slice(0, limit) };
    }),
  );
  routes.get("/tasks/events", (context) => streamTasks(state, context));
  routes.get("/tasks/:id", apiHandler((context) => requireTask(tasks, context)));
  routes.get("/tasks/:id/events", (context) => streamTask(state, context));
  routes.delete(
    "/tasks/:id",
    apiHandler((context) => {
      const task = requireTask(tasks, context);
      if (!tasks.cancel(task.id)) throw new AppError("conflict", `Task ${task.id} is not running`);
      return answerTask(context, requireTask(tasks, context));
    }),
  );
  return routes;
}

function requireTask(tasks: TaskRunner, context: Context): Task {
  const id = context.req.param("id") ?? "";
  const task = tasks.get(id);
  if (task === undefined) throw new AppError("not_found", `There is no task ${id}`);
  return task;
}

/** One task until it ends. A client that has seen the end and comes again is told to stay away. */
function streamTask(state: ServerState, context: Context): Response {
  const { tasks } = state.library;
  const { id } = requireTask(tasks, context);
  const seen = readLastRevision(context);
  const isSeen = () => seen === tasks.revision(id);
  if (seen !== null && isSeen() && !isActive(requireTask(tasks, context))) {
    return context.body(null, 204);
  }
  return streamChanges(state, context, {
    first: isSeen() ? [] : [id],
    wants: (task) => task.id === id,
    isOver: (task) => !isActive(task),
  });
}

/** All tasks as they change: at first those that run, or all that changed since the client's last event. */
function streamTasks(state: ServerState, context: Context): Response {
  const { tasks } = state.library;
  const seen = readLastRevision(context);
  const first = tasks.list().filter((task) =>
    seen === null ? isActive(task) : tasks.revision(task.id) > seen
  );
  first.sort((a, b) => tasks.revision(a.id) - tasks.revision(b.id));
  return streamChanges(state, context, {
    first: first.map(({ id }) => id),
    wants: () => true,
    isOver: () => false,
  });
}

/** The number in `Last-Event-ID`; null for none, or one of another start. */
function readLastRevision(context: Context): number | null {
  const [, start, number] = /^([\da-f]{8})\.(\d{1,15})$/.exec(
    context.req.header("last-event-id") ?? "",
  ) ?? [];
  return start === START ? Number(number) : null;
}

type Wanted = {
  /** Tasks that are told at once. */
  first: readonly string[];
  wants: (task: Task) => boolean;
  /** Whether nothing follows what was told of a task. */
  isOver: (task: Task) => boolean;
};

/** Tells tasks as they are when the client takes them: a slow one misses steps, never the last state. */
function streamChanges(state: ServerState, context: Context, wanted: Wanted): Response {
  const { tasks } = state.library;
  // nginx else keeps events back until there are enough of them.
  context.header("x-accel-buffering", "no");
  return streamSSE(context, async (stream) => {
    const gone = new AbortController();
    stream.onAbort(() => gone.abort());
    const signal = AbortSignal.any([gone.signal, state.shutdown]);
    const waiting = new Set(wanted.first);
    let wake = () => {};
    tasks.events.on("changed", (task) => {
      if (!wanted.wants(task)) return;
      waiting.add(task.id);
      wake();
    }, { signal });
    signal.addEventListener("abort", () => wake());
    let isOver = false;
    while (!isOver && !signal.aborted) {
      for (const id of waiting) {
        waiting.delete(id);
        const task = tasks.get(id);
        if (task === undefined) continue;
        await writeTask(stream, task, tasks.revision(id));
        isOver = wanted.isOver(task);
      }
      while (!isOver && waiting.size === 0 && !signal.aborted) {
        const isQuiet = await waitFor((resolve) => void (wake = resolve), KEEP_ALIVE_MS);
        if (isQuiet) await stream.write(": nothing new\n\n");
      }
    }
    gone.abort();
  });
}

async function writeTask(stream: SSEStreamingApi, task: Task, revision: number): Promise<void> {
  await stream.writeSSE({
    event: "task",
    id: `${START}.${revision}`,
    data: JSON.stringify(task),
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
