import type { Context } from "hono";
import type { ErrorCode } from "../base/errors.ts";
import { AppError } from "../base/errors.ts";
import { QuerySyntaxError } from "../base/query_syntax_error.ts";
import type { Task } from "../library/tasks.ts";

/** Code → HTTP status; a code without one does not compile. */
export const STATUS: Record<
  ErrorCode,
  400 | 401 | 403 | 404 | 409 | 412 | 413 | 415 | 422 | 500 | 503
> = {
  bad_request: 400,
  query_syntax: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  precondition_failed: 412,
  payload_too_large: 413,
  unsupported_media: 415,
  undecodable_media: 422,
  md5_collision: 409,
  locked: 503,
  read_only: 503,
  corrupt: 503,
  newer_version: 503,
  missing_tables: 503,
  disk_full: 503,
  port_in_use: 503,
  unavailable: 503,
  timeout: 503,
  cancelled: 503,
  internal: 500,
};

/** A failure as RFC 9457 has it, with this program's code. */
export type Problem = {
  type: "about:blank";
  title: string;
  status: number;
  detail: string;
  code: ErrorCode;
  remedy?: string;
  /** Where in the query or in the body the fault is. */
  offset?: number;
  /** For query_syntax: a query that would parse. */
  suggestion?: string | null;
};

const TITLES: Record<number, string> = {
  400: "Bad request",
  401: "Not signed in",
  403: "Forbidden",
  404: "Not found",
  409: "Conflict",
  412: "Changed meanwhile",
  413: "Too large",
  415: "Unsupported type",
  422: "Cannot be processed",
  500: "Internal error",
  503: "Not available now",
};

/** What the outside is told of an error; a bug of ours tells nothing but that it is one. */
export function toProblem(error: unknown): Problem {
  if (error instanceof QuerySyntaxError) {
    return {
      ...problemOf("query_syntax", error.message),
      offset: error.offset,
      suggestion: error.suggestion ?? null,
    };
  }
  if (!(error instanceof AppError)) {
    return problemOf("internal", "An unexpected error; see the log");
  }
  const problem = problemOf(error.code, error.message);
  if (error.remedy !== undefined) problem.remedy = error.remedy;
  if (typeof error.details?.offset === "number") problem.offset = error.details.offset;
  return problem;
}

function problemOf(code: ErrorCode, detail: string): Problem {
  const status = STATUS[code];
  return { type: "about:blank", title: TITLES[status], status, detail, code };
}

/** A problem as a response. */
export function problemResponse(problem: Problem): Response {
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: {
      "content-type": "application/problem+json; charset=utf-8",
      "cache-control": "no-store",
    },
  });
}

/** Answers with a problem, under the headers that the middleware gives every answer. */
export function answerProblem(context: Context, problem: Problem): Response {
  const response = problemResponse(problem);
  for (const [name, value] of response.headers) context.header(name, value);
  if (problem.status === 401) context.header("www-authenticate", 'Bearer realm="ChibiBooru"');
  return context.body(JSON.stringify(problem), problem.status as 400);
}

/** Answers that a task does what was asked for, and where to follow it. */
export function answerTask(context: Context, task: Task): Response {
  context.header("cache-control", "no-store");
  return context.json(task, 202, { location: `/api/tasks/${task.id}` });
}
