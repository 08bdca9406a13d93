import { AppError, type ErrorCode, toMessage } from "../base/errors.ts";

/** What the codes of the operating system mean to a caller, and in words. */
const REASONS: Readonly<Record<string, { code: ErrorCode; text: string }>> = {
  ENOENT: { code: "not_found", text: "there is no such file" },
  ENOTDIR: { code: "not_found", text: "a part of the path is not a folder" },
  EACCES: { code: "forbidden", text: "permission denied" },
  EPERM: { code: "forbidden", text: "operation not permitted" },
  NotCapable: { code: "forbidden", text: "the program runs without permission for this path" },
  EISDIR: { code: "bad_request", text: "it is a folder" },
  ENOTREG: { code: "bad_request", text: "it is not a regular file" },
  EINVAL: { code: "bad_request", text: "the path is not valid" },
  ERR_INVALID_ARG_VALUE: { code: "bad_request", text: "the path is not valid" },
  ENAMETOOLONG: { code: "bad_request", text: "the name is too long" },
  ELOOP: { code: "bad_request", text: "symbolic links form a loop" },
  ENOSPC: { code: "disk_full", text: "no space is left on the device" },
  EDQUOT: { code: "disk_full", text: "the disk quota is used up" },
  EROFS: { code: "read_only", text: "the file system is read-only" },
  EIO: { code: "unavailable", text: "the device reports a read or write error" },
  EMFILE: { code: "unavailable", text: "too many files are open" },
  ECHANGED: { code: "conflict", text: "it changed while it was read" },
};

/**
 * Gives the operating system's name of a failure, such as `ENOENT`; `EUNKNOWN` when it has none.
 *
 * Both families are understood: errors of Deno's own calls and those of `node:fs`.
 */
export function fileErrorCode(error: unknown): string {
  if (!(error instanceof Error)) return "EUNKNOWN";
  if ("code" in error && typeof error.code === "string") return error.code;
  return error.name === "NotCapable" ? error.name : "EUNKNOWN";
}

/**
 * Builds the AppError of a failed file operation: `Cannot <action> "<path>": <reason>`.
 *
 * An AppError is given back as it is, so that a chain of callers names the file once.
 */
export function toFileError(action: string, path: string, error: unknown): AppError {
  if (error instanceof AppError) return error;
  const system = fileErrorCode(error);
  const reason = REASONS[system] ?? { code: "unavailable" as const, text: toMessage(error) };
  return new AppError(reason.code, `Cannot ${action} "${path}": ${reason.text}`, {
    details: { path, system },
    cause: error,
  });
}

/** Says in words what a code of {@link fileErrorCode} means, or repeats the code. */
export function describeFileErrorCode(system: string): string {
  return REASONS[system]?.text ?? system;
}
