import { Hono } from "hono";
import * as z from "zod";
import { AppError } from "../../base/errors.ts";
import { ID_MAX } from "../../base/ids.ts";
import { TAG_RULES_LIST_MAX } from "../../base/limits.ts";
import {
  addImplication,
  approveImplication,
  type ImplicationChange,
  previewImplication,
  removeImplication,
} from "../../library/implications.ts";
import {
  type Implication,
  type ImplicationIds,
  readImplications,
} from "../../store/implications.ts";
import { normalizeTagName } from "../../tags/tag_name.ts";
import { apiHandler, requireJsonBody } from "../middleware.ts";
import { check, readJson, wholeNumber } from "../params.ts";
import type { ServerState } from "../server_state.ts";

/** A name of a tag as somebody writes it. */
export const RULE_NAME = z.string().min(1).max(2_000);

/** Query of `GET /api/implications`. */
export const IMPLICATION_LIST = z.object({
  q: z.string().max(1_000).default("").describe("Name of either tag; * stands for anything"),
  status: z.string().max(100).optional().describe("active, pending or removing; all by default"),
  limit: wholeNumber(TAG_RULES_LIST_MAX).default(100),
  page: wholeNumber(ID_MAX).default(1),
});

/** Query of `GET /api/implications/preview`. */
export const IMPLICATION_PREVIEW = z.object({
  source: RULE_NAME.describe("Who has this tag …"),
  implied: RULE_NAME.describe("… gets this one"),
});

/** Body of `POST /api/implications`. */
export const NEW_IMPLICATION = z.strictObject({
  source: RULE_NAME,
  implied: RULE_NAME,
  status: z.enum(["active", "pending"]).default("active")
    .describe("active: it holds at once; pending: it waits to be approved"),
});

/** `/api/implications…`. */
export function buildImplicationsRoutes(state: ServerState): Hono {
  const { library } = state;
  const routes = new Hono();
  routes.get(
    "/",
    apiHandler((context) => {
      const { q, status, limit, page } = check(IMPLICATION_LIST, context.req.query());
      const { implications, total } = readImplications(library.core.reader, {
        either: q.trim() === "" ? undefined : toNamePattern(q),
        status,
        limit,
        offset: (page - 1) * limit,
      });
      const next = page * limit < total ? String(page + 1) : null;
      return { total, implications: implications.map(toView), limit, next };
    }),
  );
  routes.get(
    "/preview",
    apiHandler(async (context) => {
      const { known, ...preview } = await previewImplication(
        library,
        check(IMPLICATION_PREVIEW, context.req.query()),
      );
      return { ...preview, known: known === null ? null : toView(known) };
    }),
  );
  routes.post(
    "/",
    requireJsonBody(),
    apiHandler(async (context) => {
      const wanted = check(NEW_IMPLICATION, await readJson(context));
      const change = await addImplication(library, wanted);
      context.status(change.task === null ? 201 : 202);
      return toAnswer(change);
    }),
  );
  routes.post(
    "/:id/approve",
    apiHandler(async (context) => {
      const change = await approveImplication(library, readIds(context.req.param("id")));
      context.status(202);
      return toAnswer(change);
    }),
  );
  routes.delete(
    "/:id",
    apiHandler(async (context) => {
      const change = await removeImplication(library, readIds(context.req.param("id")));
      context.status(change.task === null ? 200 : 202);
      return toAnswer(change);
    }),
  );
  return routes;
}

/** A pattern as names are stored: lower-case, spaces as underscores. */
export function toNamePattern(text: string): string {
  return text.split("*").map((part) => normalizeTagName(part) ?? "").join("*");
}

/** The id of an implication: those of its two tags, `12-34`. */
export function toImplicationId({ sourceId, impliedId }: ImplicationIds): string {
  return `${sourceId}-${impliedId}`;
}

/**
 * Reads the id of an implication.
 *
 * @throws {AppError} `not_found` for what is none.
 */
export function readIds(text: string | undefined): ImplicationIds {
  const match = /^([1-9]\d{0,9})-([1-9]\d{0,9})$/.exec(text ?? "");
  if (match === null) {
    throw new AppError("not_found", `There is no implication ${JSON.stringify(text)}`);
  }
  return { sourceId: Number(match[1]), impliedId: Number(match[2]) };
}

function toView(implication: Implication) {
  const { source, implied, status, inferenceType, confidence, createdAt } = implication;
  return {
    id: toImplicationId(implication),
    source,
    implied,
    status,
    inferenceType,
    confidence,
    createdAt,
  };
}

function toAnswer({ implication, task }: ImplicationChange) {
  return { implication: toView(implication), task };
}
