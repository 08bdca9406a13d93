import { type Context, Hono } from "hono";
import * as z from "zod";
import { BACKUPS_KEPT } from "../../library/backup.ts";
import { listBackups } from "../../library/backup_files.ts";
import { startBackup } from "../library_tasks.ts";
import { apiHandler } from "../middleware.ts";
import { check, readJson } from "../params.ts";
import { answerTask } from "../responses.ts";
import type { ServerState } from "../server_state.ts";

const KEPT_MAX = 1_000;

/** Body of `POST /api/backup`; none at all means the same as `{}`. */
export const BACKUP_REQUEST = z.strictObject({
  keep: z.int().min(1).max(KEPT_MAX).default(BACKUPS_KEPT)
    .describe("Backups of this library that stay, the new one counted"),
});

/** `/backup` and `/backups`: copies of the database, in the library's own folder for them. */
export function buildBackupRoutes({ library }: ServerState): Hono {
  const routes = new Hono();
  routes.get(
    "/backups",
    apiHandler(async () => {
      const backups = await listBackups(library.paths.backups);
      return {
        backups: backups.map(({ name, kind, madeAt, sizeBytes, hasChecksum }) => {
          return { name, kind, madeAt, sizeBytes, hasChecksum };
        }),
      };
    }),
  );
  routes.post(
    "/backup",
    apiHandler(async (context) => {
      const { keep } = check(BACKUP_REQUEST, await readBody(context));
      return answerTask(context, startBackup(library, { keep }));
    }),
  );
  return routes;
}

async function readBody(context: Context): Promise<unknown> {
  return context.req.header("content-type") === undefined ? {} : await readJson(context);
}
