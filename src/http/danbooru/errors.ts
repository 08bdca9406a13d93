import { AppError, type ErrorCode } from "../../base/errors.ts";
import { QuerySyntaxError } from "../../base/query_syntax_error.ts";
import { STATUS } from "../responses.ts";

/** A failure in Danbooru's terms. */
export class DanbooruError extends Error {
  /** Status of the answer. */
  readonly status: number;
  /** Danbooru's class of the error, as clients may look for it. */
  readonly errorClass: string;
  /** What is wrong with what was to be written; clients show the first one. */
  readonly faults: readonly string[] | undefined;

  /** Makes the error. */
  constructor(
    status: number,
    errorClass: string,
    message: string,
    options: { faults?: readonly string[] } = {},
  ) {
    super(message);
    this.status = status;
    this.errorClass = errorClass;
    this.faults = options.faults;
  }
}

/** The record that a path names is not there. */
export function notFound(): DanbooruError {
  return new DanbooruError(404, "ActiveRecord::RecordNotFound", "That record was not found.");
}

/** What was to be written cannot be. */
export function invalid(fault: string): DanbooruError {
  return new DanbooruError(422, "ActiveRecord::RecordInvalid", fault, { faults: [fault] });
}

/** Body of every failure; `errors` where a write was refused for what it says. */
export type ErrorBody = {
  success: false;
  error: string;
  message: string;
  backtrace: string[];
  errors?: { base: string[] };
};

/** Danbooru's class for each kind of failure of this program. */
const CLASSES: Partial<Record<ErrorCode, string>> = {
  bad_request: "ActionController::BadRequest",
  unauthorized: "SessionLoader::AuthenticationFailure",
  forbidden: "User::PrivilegeError",
  not_found: "ActiveRecord::RecordNotFound",
  timeout: "ActiveRecord::QueryCanceled",
  internal: "StandardError",
};

/** What a client is told of an error; `isBug` when nobody expected it and the log should have it. */
export function toErrorAnswer(
  error: unknown,
  options: { isWrite: boolean },
): { status: number; body: ErrorBody; isBug: boolean } {
  const known = toDanbooruError(error, options.isWrite);
  const { status, errorClass, message, faults } = known ??
    new DanbooruError(500, "StandardError", "An unexpected error; see the server's log");
  const body: ErrorBody = { success: false, error: errorClass, message, backtrace: [] };
  if (faults !== undefined) body.errors = { base: [...faults] };
  return { status, body, isBug: known === undefined };
}

function toDanbooruError(error: unknown, isWrite: boolean): DanbooruError | undefined {
  if (error instanceof DanbooruError) return error;
  if (error instanceof QuerySyntaxError) {
    const suggestion = error.suggestion === undefined ? "" : `; perhaps: ${error.suggestion}`;
    const text = `${error.message} (at ${error.offset})${suggestion}`;
    return new DanbooruError(422, "PostQuery::Error", text);
  }
  if (!(error instanceof AppError)) return undefined;
  const text = error.remedy === undefined ? error.message : `${error.message}. ${error.remedy}`;
  const isRefused = error.code === "bad_request" || error.code === "conflict" ||
    error.code === "precondition_failed";
  if (isWrite && isRefused) return invalid(text);
  if (error.code === "not_found") return notFound();
  // A search that takes too long is a 500 there, and clients that retry know that one.
  const status = error.code === "timeout" ? 500 : STATUS[error.code];
  return new DanbooruError(status, CLASSES[error.code] ?? "StandardError", text);
}
