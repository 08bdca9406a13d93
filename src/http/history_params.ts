import * as z from "zod";
import { ID_MAX } from "../base/ids.ts";
import {
  EDIT_TAGS_MAX,
  PAGE_SIZE_DEFAULT,
  PAGE_SIZE_MAX,
  QUERY_LENGTH_MAX,
} from "../base/limits.ts";
import { wholeNumber } from "./params.ts";

const PAGE = z.string().max(40).optional()
  .describe("A number from 1, b<id> for what is older than an entry, a<id> for what is newer");
const LIMIT = wholeNumber(PAGE_SIZE_MAX).default(PAGE_SIZE_DEFAULT);
const NAMES = z.array(z.string()).max(EDIT_TAGS_MAX).default([]);

/** Query of `GET /api/images/:id/history` and `GET /api/operations`. */
export const HISTORY_LIST = z.object({ limit: LIMIT, page: PAGE });

/** Query of `GET /api/history`. */
export const LIBRARY_HISTORY_LIST = HISTORY_LIST.extend({
  operation: wholeNumber(ID_MAX).optional().describe("Only edits of this operation"),
  grouped: z.enum(["true", "false"]).default("false")
    .describe("Whether one edit stands for each operation on many images"),
});

/** Body of `POST /api/tags/bulk`. */
export const BULK_EDIT = z.strictObject({
  query: z.string().max(QUERY_LENGTH_MAX).describe(
    "The search whose images are edited, all of them",
  ),
  add: NAMES.describe("Names; a new tag's category can stand before it"),
  remove: NAMES,
  dryRun: z.boolean().default(false)
    .describe("Answers what would change, and writes nothing"),
  all: z.boolean().default(false)
    .describe("Says that a search without a condition is meant: every image"),
});
