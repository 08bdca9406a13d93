import { Hono } from "hono";
import * as z from "zod";
import { startScan } from "../library_tasks.ts";
import { apiHandler } from "../middleware.ts";
import { check } from "../params.ts";
import { answerTask } from "../responses.ts";
import type { ServerState } from "../server_state.ts";

/** Path of `POST /api/watch/:root/confirm`. */
export const WATCH_ROOT = z.object({
  root: z.string().min(1).max(200)
    .describe("Name of a folder that is indexed in place, with its @ or without"),
});

/** `/watch…`: how the watched folders stand, scans, and the answer to what a folder asks. */
export function buildWatchRoutes(state: ServerState): Hono {
  const { library, watch } = state;
  const routes = new Hono();
  routes.get(
    "/",
    apiHandler(() => ({ isWatching: watch.isWatching, roots: watch.roots })),
  );
  routes.post("/scan", apiHandler((context) => answerTask(context, startScan(state))));
  routes.post(
    "/:root/confirm",
    apiHandler(async (context) => {
      const { root } = check(WATCH_ROOT, { root: context.req.param("root") });
      await watch.accept(root);
      return answerTask(context, library.tasks.active("watch-scan") ?? startScan(state));
    }),
  );
  return routes;
}
