import type { Context } from "hono";
import { AppError } from "../base/errors.ts";
import { BODY_BYTES_MAX, JSON_DEPTH_MAX } from "../base/limits.ts";

/** What a JSON body may be. */
export type JsonLimits = {
  bytesMax?: number;
  /** Arrays and objects within each other. */
  depthMax?: number;
};

/** Bodies that were read already, so that a middleware and its route read one body once. */
const READ = new WeakMap<Request, unknown>();

/**
 * The JSON body of a request.
 *
 * @throws {AppError} `unsupported_media` for another content type, `payload_too_large`, or `bad_request`
 *   with the place of the fault.
 */
export async function readJsonBody(context: Context, limits: JsonLimits = {}): Promise<unknown> {
  const request = context.req.raw;
  if (READ.has(request)) return READ.get(request);
  const type = context.req.header("content-type") ?? "";
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new AppError("unsupported_media", "The body must be application/json");
  }
  const bytesMax = limits.bytesMax ?? BODY_BYTES_MAX;
  const bytes = new Uint8Array(await context.req.arrayBuffer());
  if (bytes.length > bytesMax) {
    throw new AppError("payload_too_large", `The body is larger than ${bytesMax} bytes`);
  }
  const value = parseJsonText(toText(bytes), limits.depthMax ?? JSON_DEPTH_MAX);
  READ.set(request, value);
  return value;
}

function toText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new AppError("bad_request", "The body is not UTF-8", { cause: error });
  }
}

/**
 * Parses JSON that somebody sent.
 *
 * @throws {AppError} `bad_request` with `offset` in the details, for what is no JSON or too deep.
 */
export function parseJsonText(text: string, depthMax: number): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw misplaced(text, findJsonFault(text), "is not JSON", error);
  }
  const offset = findTooDeep(text, depthMax);
  if (offset !== undefined) {
    throw misplaced(text, offset, `has more than ${depthMax} lists and objects within each other`);
  }
  return value;
}

function misplaced(text: string, offset: number, what: string, cause?: unknown): AppError {
  const before = text.slice(0, offset).split("\n");
  const place = offset >= text.length
    ? "it ends too early"
    : `see line ${before.length}, column ${before.at(-1)!.length + 1}`;
  return new AppError("bad_request", `The body ${what}: ${place}`, { details: { offset }, cause });
}

/** Where valid JSON goes too deep; undefined if it does not. */
function findTooDeep(text: string, depthMax: number): number | undefined {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (isInString) {
      if (char === "\\") at++;
      else if (char === '"') isInString = false;
    } else if (char === '"') isInString = true;
    else if (char === "{" || char === "[") {
      if (++depth > depthMax) return at;
    } else if (char === "}" || char === "]") depth--;
  }
  return undefined;
}

const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\(?:["\\/bfnrt]|u[\da-f]{4}))*"/iuy;
const SCALAR = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?|true|false|null)(?![\w.+-])/y;

/**
 * Where text stops being JSON; its length if it only ends too early. For text that does not parse: the
 * parser of the language tells no place for most faults.
 */
export function findJsonFault(text: string): number {
  const closers: string[] = [];
  let at = 0;
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match !== null) at += match[0].length;
    return match !== null;
  };
  /** What may come next: a value, a name, what follows a name, or what follows a value. */
  let wanted: "value" | "name" | "colon" | "end" = "value";
  let mayClose = false;
  for (;;) {
    take(SPACE);
    const char = text[at];
    if (char === undefined) return at;
    if ((wanted === "end" || mayClose) && closers.length > 0 && char === closers.at(-1)) {
      closers.pop();
      [wanted, mayClose] = ["end", false];
      at++;
    } else if (wanted === "end") {
      if (char !== "," || closers.length === 0) return at;
      [wanted, mayClose] = [closers.at(-1) === "}" ? "name" : "value", false];
      at++;
    } else if (wanted === "colon") {
      if (char !== ":") return at;
      wanted = "value";
      at++;
    } else if (wanted === "name") {
      if (!take(STRING)) return at;
      [wanted, mayClose] = ["colon", false];
    } else if (char === "{" || char === "[") {
      closers.push(char === "{" ? "}" : "]");
      [wanted, mayClose] = [char === "{" ? "name" : "value", true];
      at++;
    } else {
      if (!take(STRING) && !take(SCALAR)) return at;
      [wanted, mayClose] = ["end", false];
    }
  }
}
