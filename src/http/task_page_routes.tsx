import { type Context, Hono } from "hono";
import { AppError, toMessage } from "../base/errors.ts";
import { isActive, type Task } from "../library/tasks.ts";
import type { FlashMessages } from "./flash.ts";
import { TaskProgressBar, TASKS_PATH } from "./pages/task_parts.tsx";
import { TaskPage, TasksPage } from "./pages/tasks.tsx";
import { toPageStatus } from "./page_status.ts";
import { STATUS } from "./responses.ts";
import type { ServerState } from "./server_state.ts";
import { parseTaskResult } from "./task_results.ts";

/** The pages of tasks: their list, and each with how far it is or what it did. */
export function buildTaskPageRoutes(state: ServerState, flashes: FlashMessages): Hono {
  const { tasks } = state.library;
  const routes = new Hono();
  routes.get(TASKS_PATH, (context) => {
    const message = flashes.take(context.req.query("done"));
    return context.html(
      <TasksPage tasks={tasks.list()} message={message} status={toPageStatus(state)} />,
    );
  });
  routes.get(`${TASKS_PATH}/:id`, (context) => {
    const task = requireTask(state, context);
    return context.html(
      <TaskPage
        task={task}
        result={parseTaskResult(task)}
        message={flashes.take(context.req.query("done"))}
        status={toPageStatus(state)}
      />,
    );
  });
  // What a script puts into a page that shows the task.
  routes.get(`${TASKS_PATH}/:id/progress`, (context) => {
    const task = requireTask(state, context);
    context.header("cache-control", "no-store");
    return context.html(<TaskProgressBar task={task} />);
  });
  routes.post(`${TASKS_PATH}/:id/cancel`, (context) => {
    const { id } = requireTask(state, context);
    const isStopping = tasks.cancel(id);
    const key = flashes.put(
      isStopping
        ? { kind: "done", text: "It stops as soon as it can." }
        : { kind: "error", text: "It has ended already." },
    );
    return context.redirect(`${TASKS_PATH}/${id}?done=${key}`, 303);
  });
  return routes;
}

function requireTask({ library }: ServerState, context: Context): Task {
  const task = library.tasks.get(context.req.param("id") ?? "");
  if (task !== undefined) return task;
  throw new AppError("not_found", "There is no such task", {
    remedy: "Only the newest tasks are remembered: look at the list of them",
  });
}

/**
 * Starts a task and leads to its page; to the one of the same kind that runs already, if there is one.
 *
 * @throws What `start` throws for another reason.
 */
export async function leadToTask(
  context: Context,
  flashes: FlashMessages,
  start: () => Task | Promise<Task>,
): Promise<Response> {
  try {
    const { id } = await start();
    return context.redirect(`${TASKS_PATH}/${id}`, 303);
  } catch (error) {
    const running = error instanceof AppError ? error.details?.taskId : undefined;
    if (typeof running !== "string") throw error;
    const text = "This was running already, and nothing else was started.";
    const key = flashes.put({ kind: "error", text });
    return context.redirect(`${TASKS_PATH}/${running}?done=${key}`, 303);
  }
}

/** Puts an expected failure where the person is, as a message with the remedy; other errors go on. */
export function leadBack(
  context: Context,
  { flashes, path, error }: { flashes: FlashMessages; path: string; error: unknown },
): Response {
  if (!(error instanceof AppError) || STATUS[error.code] >= 500 && error.code !== "locked") {
    throw error;
  }
  const remedy = error.remedy ?? null;
  const key = flashes.put({ kind: "error", text: toMessage(error), remedy });
  return context.redirect(`${path}?done=${key}`, 303);
}

/** The newest task of a kind that succeeded, and the one that runs; null if there is none. */
export function findTasks(
  { library }: ServerState,
  kind: string,
): { newest: Task | null; running: Task | null } {
  const own = library.tasks.list().filter((task) => task.kind === kind);
  return {
    newest: own.find(({ state }) => state === "succeeded") ?? null,
    running: own.find(isActive) ?? null,
  };
}
