import { type Context, Hono } from "hono";
import { AppError } from "../../base/errors.ts";
import { ID_MAX } from "../../base/ids.ts";
import { UNDO_AT_ONCE_MAX } from "../../base/limits.ts";
import {
  findOperations,
  type HistoryPageRequest,
  listHistory,
  listOperations,
  toOperationView,
  undoEdit,
  undoOperation,
} from "../../library/history.ts";
import { continueOperation, requireOperation } from "../../library/operations.ts";
import { parsePage } from "../../query/page.ts";
import { HISTORY_LIST, LIBRARY_HISTORY_LIST } from "../history_params.ts";
import { apiHandler } from "../middleware.ts";
import { startOperationTask } from "../operation_tasks.ts";
import { check, readId } from "../params.ts";
import { answerTask } from "../responses.ts";
import { missingImage, type ServerState } from "../server_state.ts";

/** `/images/:id/history`, `/history…`, `/operations…`: what was edited, and how it is taken back. */
export function buildHistoryRoutes(state: ServerState): Hono {
  const { library } = state;
  const routes = new Hono();
  routes.get(
    "/images/:id/history",
    apiHandler((context) => {
      const imageId = readId(context);
      const { limit, page } = check(HISTORY_LIST, context.req.query());
      const found = listHistory(library, { of: { imageId }, limit, page: parsePage(page) });
      const isKnown = library.core.cache.current.rowOfId(imageId) !== undefined;
      // Of an image that was deleted the history is still there.
      if (!isKnown && found.entries.length === 0) throw missingImage(state, imageId, "image");
      return found;
    }),
  );
  routes.get("/history", apiHandler((context) => listAll(state, context)));
  routes.post("/history/:id/undo", apiHandler((context) => undoEdit(library, readId(context))));
  routes.get(
    "/operations",
    apiHandler((context) => {
      const { limit, page } = check(HISTORY_LIST, context.req.query());
      const wanted = parsePage(page);
      if (wanted.kind === "after" || (wanted.kind === "number" && wanted.number > 1)) {
        throw new AppError(
          "bad_request",
          "Operations are listed from the newest on: b<id> goes on",
        );
      }
      const below = wanted.kind === "before" ? wanted.id : ID_MAX;
      return listOperations(library, { below, limit });
    }),
  );
  routes.get(
    "/operations/:id",
    apiHandler((context) => toOperationView(library, requireOperation(library, readId(context)))),
  );
  routes.post("/operations/:id/undo", apiHandler((context) => undoAll(state, context)));
  routes.post(
    "/operations/:id/continue",
    apiHandler((context) => {
      const { id } = requireInterrupted(state, readId(context));
      const { task } = startOperationTask(library, "bulk-edit", async (options) => {
        options.onStarted(id);
        return toOperationView(library, await continueOperation(library, id, options));
      });
      return answerTask(context, task);
    }),
  );
  return routes;
}

function listAll({ library }: ServerState, context: Context) {
  const { limit, page, operation, grouped } = check(LIBRARY_HISTORY_LIST, context.req.query());
  const of: HistoryPageRequest["of"] = operation !== undefined
    ? { operationId: operation }
    : grouped === "true"
    ? "heads"
    : "all";
  const found = listHistory(library, { of, limit, page: parsePage(page) });
  if (grouped !== "true") return found;
  const operations = [...findOperations(library, found.entries).values()];
  return { ...found, operations: operations.map((one) => toOperationView(library, one)) };
}

/** At once when it is little, as a task when it is much. */
async function undoAll({ library }: ServerState, context: Context): Promise<unknown> {
  const { id, steps, state } = requireOperation(library, readId(context));
  if (steps.changed <= UNDO_AT_ONCE_MAX) {
    return toOperationView(library, await undoOperation(library, id));
  }
  if (state === "running") {
    throw new AppError("conflict", `Operation ${id} is running`, {
      remedy: "Cancel it, or wait for its end",
    });
  }
  const { task } = startOperationTask(library, "undo", async (options) => {
    return toOperationView(library, await undoOperation(library, id, options));
  });
  return answerTask(context, task);
}

/**
 * An operation that can go on.
 *
 * @throws {AppError} `not_found`, `conflict`.
 */
export function requireInterrupted({ library }: ServerState, id: number): { id: number } {
  const operation = requireOperation(library, id);
  if (operation.state === "interrupted") return operation;
  throw new AppError("conflict", `Operation ${id} cannot go on: it is ${operation.state}`);
}
