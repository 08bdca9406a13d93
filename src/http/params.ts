import type { Context } from "hono";
import * as z from "zod";
import { AppError } from "../base/errors.ts";
import { ID_MAX } from "../base/ids.ts";
import {
  COMPLETIONS_DEFAULT,
  COMPLETIONS_MAX,
  EDIT_TAGS_MAX,
  PAGE_SIZE_DEFAULT,
  PAGE_SIZE_MAX,
  QUERY_LENGTH_MAX,
  SIMILAR_DEFAULT,
  SIMILAR_MAX,
  TAG_LIST_MAX,
} from "../base/limits.ts";
import { type PageRequest, parsePage } from "../query/page.ts";
import { readJsonBody } from "./json_body.ts";

/** A whole number in plain digits: one thing has one address, so `1e0`, `0x1` and `01` are none. */
export function wholeNumber(max: number) {
  return z.string().refine(
    (text) => /^[1-9]\d{0,9}$/.test(text) && Number(text) <= max,
    `is a whole number from 1 to ${max}`,
  ).meta({ type: "integer", minimum: 1, maximum: max }).transform(Number);
}

/** Query of `GET /api/images`. Made once: a schema is compiled when it is first used. */
export const SEARCH = z.object({
  q: z.string().optional().describe("The search; all images without one"),
  tags: z.string().optional().describe("Danbooru's name of q"),
  page: z.string().optional()
    .describe("A number from 1, b<id> for images below an id, a<id> for those above one"),
  limit: wholeNumber(PAGE_SIZE_MAX).optional()
    .describe(`Images on a page; ${PAGE_SIZE_DEFAULT}, or what the search says`),
});

const ID = wholeNumber(ID_MAX);

/** The `:id` of a path, where it is a number. */
export const NUMBER_KEY = z.object({ id: ID });

const NAMES = z.array(z.string()).max(EDIT_TAGS_MAX).default([]);

/** Body of `PUT /api/images/:id/tags`. */
export const TAG_EDIT = z.strictObject({ add: NAMES, remove: NAMES });

/** Query of `GET /api/tags`. */
export const TAG_LIST = z.object({
  prefix: z.string().max(1_000).default("").transform((prefix) => prefix.toLowerCase()),
  limit: wholeNumber(TAG_LIST_MAX).default(PAGE_SIZE_DEFAULT),
});

/** Query of `GET /api/tags/autocomplete`. */
export const COMPLETION = z.object({
  q: z.string().max(1_000).default(""),
  context: z.string().max(QUERY_LENGTH_MAX).default(""),
  limit: wholeNumber(COMPLETIONS_MAX).default(COMPLETIONS_DEFAULT),
});

/** Query of `GET /api/images/:id/similar`. */
export const SIMILAR_LIST = z.object({
  limit: wholeNumber(SIMILAR_MAX).default(SIMILAR_DEFAULT),
});

/**
 * Checks what came from outside and gives it typed.
 *
 * @throws {AppError} `bad_request`, naming each field that is wrong.
 */
export function check<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, code, message }) =>
    // Our own messages go on behind the name.
    path.length === 0 ? message : `${path.join(".")}${code === "custom" ? " " : ": "}${message}`
  );
  throw new AppError("bad_request", faults.join("; "));
}

/**
 * A search as it stands in a URL: q, page, limit. Danbooru's name of q is understood too; without a limit the
 * search itself may name one.
 */
export function readSearch(
  context: Context,
): { query: string; page: PageRequest; limit: number | null } {
  // All at once: each look at one parameter reads the whole address again.
  const { q, tags, page, limit } = check(SEARCH, context.req.query());
  return { query: q ?? tags ?? "", page: parsePage(page), limit: limit ?? null };
}

/**
 * The `:id` of a path.
 *
 * @throws {AppError} `not_found` if it is no id: such an image cannot exist.
 */
export function readId(context: Context): number {
  const result = ID.safeParse(context.req.param("id"));
  if (result.success) return result.data;
  throw new AppError("not_found", `There is no ${JSON.stringify(context.req.param("id"))} here`);
}

/**
 * The JSON body of a request; see {@link readJsonBody}.
 *
 * @throws {AppError} `unsupported_media`, `payload_too_large` or `bad_request`.
 */
export function readJson(context: Context): Promise<unknown> {
  return readJsonBody(context);
}

/**
 * The text fields of a form.
 *
 * @throws {AppError} `bad_request` if the body is no form.
 */
export async function readForm(context: Context): Promise<(name: string) => string> {
  try {
    const form = await context.req.parseBody();
    return (name) => {
      const value = form[name];
      return typeof value === "string" ? value : "";
    };
  } catch (error) {
    if (error instanceof TypeError) throw new AppError("bad_request", "The body is not a form");
    throw error;
  }
}
