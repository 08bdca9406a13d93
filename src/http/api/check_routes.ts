import { type Context, Hono } from "hono";
import * as z from "zod";
import { CHECK_KIND_NAMES, factsOf, REPAIRABLE_KINDS } from "../../library/check_kinds.ts";
import { refreshLibrary } from "../../library/rebuild_refresh.ts";
import { startCheck } from "../library_tasks.ts";
import { apiHandler } from "../middleware.ts";
import { check, readJson } from "../params.ts";
import { answerTask } from "../responses.ts";
import type { ServerState } from "../server_state.ts";

/** Body of `POST /api/check`; none at all means the same as `{}`. */
export const CHECK_REQUEST = z.strictObject({
  hashes: z.boolean().default(true)
    .describe("Whether all files are read, or only those whose size, time or inode changed"),
  repair: z.array(z.enum(REPAIRABLE_KINDS)).default([])
    .describe("Kinds of findings that are repaired; nothing else is changed"),
});

/** `/check…` and `/rebuild`: what is wrong with a library, and what can be derived anew. */
export function buildCheckRoutes({ library }: ServerState): Hono {
  const routes = new Hono();
  routes.get(
    "/check/kinds",
    apiHandler(() => ({
      kinds: CHECK_KIND_NAMES.map((name) => {
        const { title, remedy, repair, isNote } = factsOf(name);
        return { name, title, remedy, repair, isNote: isNote ?? false };
      }),
    })),
  );
  routes.post(
    "/check",
    apiHandler(async (context) => {
      const wanted = check(CHECK_REQUEST, await readBody(context));
      return answerTask(context, startCheck(library, wanted));
    }),
  );
  // The database that is being served cannot be exchanged: what is derived is derived anew within it.
  routes.post(
    "/rebuild",
    apiHandler((context) => {
      const task = library.tasks.start("rebuild", async ({ signal, report }) => {
        return await refreshLibrary(library, {
          signal,
          onProgress: ({ stage, done, total }) => report({ done, total, message: stage }),
        });
      });
      return answerTask(context, task);
    }),
  );
  return routes;
}

async function readBody(context: Context): Promise<unknown> {
  return context.req.header("content-type") === undefined ? {} : await readJson(context);
}
