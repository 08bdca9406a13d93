import { Hono } from "hono";
import { AppError } from "../../base/errors.ts";
import {
  type BulkEditPlan,
  type BulkEditRequest,
  describePlan,
  planBulkEdit,
  runBulkEdit,
} from "../../library/bulk_edit.ts";
import { BULK_EDIT } from "../history_params.ts";
import { apiHandler, requireJsonBody } from "../middleware.ts";
import { startOperationTask } from "../operation_tasks.ts";
import { check, readJson } from "../params.ts";
import { answerTask } from "../responses.ts";
import type { ServerState } from "../server_state.ts";

/** `POST /bulk`: adds and removes tags of all images of a search. */
export function buildBulkRoutes(state: ServerState): Hono {
  const { library } = state;
  const routes = new Hono();
  routes.post(
    "/bulk",
    requireJsonBody(),
    apiHandler(async (context) => {
      const { dryRun, ...request } = check(BULK_EDIT, await readJson(context));
      const plan = await planLoaded(state, request);
      if (dryRun) return describePlan(plan);
      const { task } = startOperationTask(
        library,
        "bulk-edit",
        (options) => runBulkEdit(library, plan, options),
      );
      return answerTask(context, task);
    }),
  );
  return routes;
}

/**
 * Plans an edit of all images of a search.
 *
 * @throws {AppError} `unavailable` before the first load ended: every search finds nothing then; else as
 *   `planBulkEdit`.
 */
export async function planLoaded(
  state: ServerState,
  request: BulkEditRequest,
): Promise<BulkEditPlan> {
  if (!state.isLoaded()) {
    throw new AppError("unavailable", "The library is being loaded", {
      remedy: "Try again in a moment",
    });
  }
  return await planBulkEdit(state.library, request);
}
