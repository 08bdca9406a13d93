import { AppError, type ErrorCode, toMessage } from "../base/errors.ts";
import { QuerySyntaxError } from "../base/query_syntax_error.ts";

/**
 * The whole interface of a worker, as a type: method name → what goes in and what comes out.
 *
 * Payloads are plain objects, arrays, strings, numbers and typed arrays; `null`, never `undefined`.
 */
export type Contract = Record<string, { request: unknown; response: unknown }>;

/** One call, main isolate → worker. */
export type RequestMessage = { id: number; method: string; payload: unknown };

/** One answer, worker → main isolate; `ready` is sent once, before the first answer. */
export type ReplyMessage =
  | { ready: true }
  | { id: number; ok: true; payload: unknown }
  | { id: number; ok: false; error: WireError };

/**
 * An error as plain data: structured clone keeps the message of an Error subclass but loses its class,
 * its name and its code.
 */
export type WireError = {
  name: string;
  message: string;
  stack: string | null;
  code: ErrorCode | null;
  remedy: string | null;
  details: Record<string, unknown> | null;
  offset: number | null;
  suggestion: string | null;
};

/** Turns anything thrown into plain data. */
export function encodeError(error: unknown): WireError {
  const isApp = error instanceof AppError;
  const isSyntax = error instanceof QuerySyntaxError;
  return {
    name: error instanceof Error ? error.name : "Error",
    message: toMessage(error),
    stack: error instanceof Error ? error.stack ?? null : null,
    code: isApp ? error.code : null,
    remedy: isApp ? error.remedy ?? null : null,
    details: isApp ? error.details ?? null : null,
    offset: isSyntax ? error.offset : null,
    suggestion: isSyntax ? error.suggestion ?? null : null,
  };
}

const BUILT_IN: Record<string, new (message: string) => Error> = {
  TypeError,
  RangeError,
  SyntaxError,
};

/**
 * Turns what {@link encodeError} made back into an error of the same class, code and message; one of a
 * class that is not known here keeps its name.
 */
export function reviveError(wire: WireError): Error {
  const error: Error = wire.code !== null
    ? new AppError(wire.code, wire.message, {
      remedy: wire.remedy ?? undefined,
      details: wire.details ?? undefined,
    })
    : wire.offset !== null
    ? new QuerySyntaxError(wire.message, {
      offset: wire.offset,
      suggestion: wire.suggestion ?? undefined,
    })
    : new (BUILT_IN[wire.name] ?? Error)(wire.message);
  if (error.name !== wire.name) error.name = wire.name;
  if (wire.stack !== null) error.stack = wire.stack;
  return error;
}

/** A value together with the buffers whose ownership goes with it. */
export class Moved<T> {
  /** Names a value and the buffers that go with it. */
  constructor(readonly value: T, readonly buffers: readonly ArrayBuffer[]) {}
}

/**
 * Names what is handed over with `value`; nothing walks the payload to guess.
 *
 * After a move the sender's views have length 0 and must not be touched again.
 */
export function move<T>(value: T, buffers: readonly ArrayBufferLike[]): Moved<T> {
  const own = buffers.filter((buffer): buffer is ArrayBuffer => buffer instanceof ArrayBuffer);
  return new Moved(value, [...new Set(own)]);
}
