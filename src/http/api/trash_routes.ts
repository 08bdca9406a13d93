import { Hono } from "hono";
import * as z from "zod";
import { AppError } from "../../base/errors.ts";
import { ID_MAX } from "../../base/ids.ts";
import { PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, TRASH_DAYS_MAX } from "../../base/limits.ts";
import { restoreFromTrash } from "../../library/trash.ts";
import { emptyTrash, setTrashKeepDays, startEmptying } from "../../library/trash_empty.ts";
import { listTrash } from "../../library/trash_list.ts";
import { apiHandler } from "../middleware.ts";
import { check, readId, readJson, wholeNumber } from "../params.ts";
import { answerTask } from "../responses.ts";
import type { ServerState } from "../server_state.ts";

/** Query of `GET /api/trash`. */
export const TRASH_LIST = z.object({
  limit: wholeNumber(PAGE_SIZE_MAX).default(PAGE_SIZE_DEFAULT),
  page: wholeNumber(ID_MAX).default(1),
});

/** Body of `POST /api/trash/empty`. */
export const TRASH_EMPTYING = z.strictObject({
  olderThanDays: z.int().min(0).max(TRASH_DAYS_MAX)
    .describe("Entries that have been there for at least so many days go; 0: all of them"),
});

/** Body of `PUT /api/trash/settings`. */
export const TRASH_SETTINGS = z.strictObject({
  keepDays: z.int().min(1).max(TRASH_DAYS_MAX).nullable()
    .describe("After so many days the server removes an entry by itself; null: never"),
});

/** `/api/trash…`. */
export function buildTrashRoutes({ library }: ServerState): Hono {
  const routes = new Hono();
  routes.get(
    "/",
    apiHandler((context) => {
      const { limit, page } = check(TRASH_LIST, context.req.query());
      const { entries, total, keepDays } = listTrash(library, { limit, page });
      return { total, entries, next: page * limit < total ? page + 1 : null, keepDays };
    }),
  );
  routes.post(
    "/empty",
    apiHandler(async (context) => {
      const wanted = check(TRASH_EMPTYING, await readJson(context));
      return answerTask(context, startEmptying(library, wanted));
    }),
  );
  routes.put(
    "/settings",
    apiHandler(async (context) => {
      const { keepDays } = check(TRASH_SETTINGS, await readJson(context));
      await setTrashKeepDays(library, keepDays);
      return { keepDays };
    }),
  );
  routes.post(
    "/:id/restore",
    apiHandler(async (context) => {
      const { kind, imageId, filepath } = await restoreFromTrash(library, readId(context));
      return { id: imageId, kind, filepath };
    }),
  );
  routes.delete(
    "/:id",
    apiHandler(async (context) => {
      const id = readId(context);
      const { freedBytes, kept } = await emptyTrash(library, { entryIds: [id] });
      if (kept.length === 0) return { id, freedBytes };
      throw new AppError("conflict", `Entry ${id} stays in the trash: ${kept[0].reason}`);
    }),
  );
  return routes;
}
