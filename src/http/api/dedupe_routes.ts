import { Hono } from "hono";
import * as z from "zod";
import { startDedupe } from "../library_tasks.ts";
import { apiHandler } from "../middleware.ts";
import { check, readJson } from "../params.ts";
import { answerTask } from "../responses.ts";
import type { ServerState } from "../server_state.ts";

/** Body of `POST /api/dedupe`. */
export const DEDUPE_REQUEST = z.strictObject({
  delete: z.boolean().default(false)
    .describe("Whether further copies go to the trash; else they are only found"),
  includeInPlace: z.boolean().default(false)
    .describe("Whether copies in folders that are indexed in place go too"),
});

/** `/api/dedupe`: a task that looks for identical files. */
export function buildDedupeRoutes({ library }: ServerState): Hono {
  const routes = new Hono();
  routes.post(
    "/",
    apiHandler(async (context) => {
      const wanted = check(DEDUPE_REQUEST, await readJson(context));
      return answerTask(context, startDedupe(library, wanted));
    }),
  );
  return routes;
}
