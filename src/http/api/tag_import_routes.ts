import { type Context, Hono } from "hono";
import * as z from "zod";
import { AppError } from "../../base/errors.ts";
import { TAG_LIST_UPLOAD_BYTES_MAX } from "../../base/limits.ts";
import { receiveUpload, tooLarge, type Upload } from "../../library/uploads.ts";
import { TAG_NUMBERINGS } from "../../tags/tag_numbering.ts";
import { startTagImport } from "../library_tasks.ts";
import { apiHandler } from "../middleware.ts";
import { check } from "../params.ts";
import { answerTask } from "../responses.ts";
import type { ServerState } from "../server_state.ts";

/** Query of `POST /api/tags/import`. */
export const TAG_IMPORT = z.object({
  numbering: z.enum([...TAG_NUMBERINGS, "auto"]).default("auto")
    .describe("How the list numbers categories; auto finds it out"),
  dryRun: z.enum(["true", "false"]).default("false").transform((text) => text === "true")
    .describe("Whether to look at everything and write nothing"),
  name: z.string().max(255).optional()
    .describe("Name of the file, which may tell the site where its rows do not"),
});

const TYPES = /^(text\/csv|application\/csv|application\/gzip|application\/x-gzip)\s*(;|$)/i;

/** `POST /tags/import`: a tag list as the body, CSV or CSV compressed by gzip. */
export function buildTagImportRoutes(state: ServerState): Hono {
  const { library } = state;
  const routes = new Hono();
  routes.post(
    "/import",
    apiHandler(async (context) => {
      const { numbering, dryRun, name } = check(TAG_IMPORT, context.req.query());
      const upload = await receiveList(state, context);
      const request = { numbering, dryRun, name: name ?? "the list" };
      return answerTask(context, await startTagImport(library, upload, request));
    }),
  );
  return routes;
}

function receiveList(state: ServerState, context: Context): Promise<Upload> {
  if (!TYPES.test(context.req.header("content-type") ?? "")) {
    throw new AppError("unsupported_media", "The body must be text/csv or application/gzip");
  }
  const length = Number(context.req.header("content-length") ?? 0);
  if (length > TAG_LIST_UPLOAD_BYTES_MAX) throw tooLarge(TAG_LIST_UPLOAD_BYTES_MAX);
  const { body } = context.req.raw;
  if (body === null) throw new AppError("bad_request", "There is no list in the body");
  return receiveUpload(state.library, body, TAG_LIST_UPLOAD_BYTES_MAX);
}
