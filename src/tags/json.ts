import { AppError } from "../base/errors.ts";

/** An object of JSON whose fields nobody has looked at yet. */
export type JsonObject = Record<string, unknown>;

/** Brackets that one document may open within each other; posts of the real sites need six. */
const JSON_DEPTH_MAX = 200;

/** The part of JSON (proposal-json-parse-with-source, in V8) that TypeScript 6 has no types for. */
type SourceTextJson = {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): object;
  isRawJSON(value: unknown): value is { readonly rawJSON: string };
};

const json = JSON as unknown as SourceTextJson;

/**
 * Parses JSON so that {@link JSON.stringify} writes every number back as it was written.
 *
 * A double would change what foreign programs wrote (`12345678901234567890`, `4.0`): such numbers
 * become raw JSON values, which {@link numberOf} reads. They do not survive structured clone, so
 * documents travel between workers as text. A leading byte order mark is skipped.
 *
 * @throws {AppError} `bad_request` if the text is no JSON or nested deeper than 200.
 */
export function parseJson(text: string): unknown {
  const document = text.startsWith("\ufeff") ? text.slice(1) : text;
  checkDepth(document);
  try {
    return json.parse(document, keepNumber);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new AppError("bad_request", `Cannot read the JSON: ${error.message}`, { cause: error });
  }
}

function keepNumber(_key: string, value: unknown, context: { source?: string }): unknown {
  if (typeof value !== "number" || context.source === undefined) return value;
  return String(value) === context.source ? value : json.rawJSON(context.source);
}

/** Reviving and writing recurse, so a document of brackets alone would end the stack. */
function checkDepth(text: string): void {
  let depth = 0;
  let isInString = false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (isInString) {
      if (code === 0x5c) index++; // a backslash hides the next sign
      else if (code === 0x22) isInString = false;
    } else if (code === 0x22) {
      isInString = true;
    } else if (code === 0x7b || code === 0x5b) {
      if (++depth > JSON_DEPTH_MAX) {
        throw new AppError("bad_request", `Cannot read the JSON: nested too deep at ${index}`);
      }
    } else if (code === 0x7d || code === 0x5d) {
      depth--;
    }
  }
}

/** Whether `value` is an object of JSON: no list, no null, no raw number. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !json.isRawJSON(value);
}

/** Own field of an object, `undefined` when it has none: what it inherits was never in the JSON. */
export function fieldOf(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** Own field that is an object, or an empty object: for fields that lie one level deeper. */
export function objectFieldOf(object: JsonObject, name: string): JsonObject {
  const value = fieldOf(object, name);
  return isJsonObject(value) ? value : {};
}

/** Own field that is a string, else `undefined`. */
export function stringFieldOf(object: JsonObject, name: string): string | undefined {
  const value = fieldOf(object, name);
  return typeof value === "string" ? value : undefined;
}

/** Finite number that a JSON value writes, also as raw number or as text; else `undefined`. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  const text = json.isRawJSON(value) ? value.rawJSON : value;
  if (typeof text !== "string" || !/^\s*[+-]?\d+(\.\d+)?(e[+-]?\d+)?\s*$/i.test(text)) {
    return undefined;
  }
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}
