/** What can go wrong in a way that a caller is expected to handle; http maps each to one status. */
export type ErrorCode =
  | "bad_request"
  | "query_syntax"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "conflict"
  | "precondition_failed"
  | "payload_too_large"
  | "unsupported_media"
  | "undecodable_media"
  | "md5_collision"
  | "locked"
  | "read_only"
  | "corrupt"
  | "newer_version"
  | "missing_tables"
  | "disk_full"
  | "port_in_use"
  | "unavailable"
  | "timeout"
  | "cancelled"
  | "internal";

/** What an {@link AppError} may carry besides its code and message. */
export type AppErrorOptions = {
  /** What the person can do about it, one sentence. */
  remedy?: string;
  /** Plain data for logs and problem responses (must survive structured clone). */
  details?: Record<string, unknown>;
  cause?: unknown;
};

/**
 * An expected failure: it names the thing that failed and, where there is one, the remedy.
 *
 * Programmer errors are TypeError, RangeError or {@link invariant} instead.
 */
export class AppError extends Error {
  /** Always "AppError". */
  override readonly name: string = "AppError";
  /** What kind of failure it is. */
  readonly code: ErrorCode;
  /** What the person can do about it. */
  readonly remedy: string | undefined;
  /** Plain data for logs and problem responses. */
  readonly details: Record<string, unknown> | undefined;

  /** Makes the error; the message names the thing that failed. */
  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy;
    this.details = options.details;
  }
}

/** Throws when `condition` is false: a bug of this program, never a user's mistake. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Invariant broken: ${message}`);
}

/** Text of anything thrown, for logs and reports. */
export function toMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
