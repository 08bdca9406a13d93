/** How values cross between JavaScript and SQLite, by the rules of `@db/sqlite` 0.13. */
import type { SupportedValueType } from "node:sqlite";

/** A value that can be bound to a parameter; arrays and plain objects are bound as JSON text. */
export type BindValue =
  | number
  | string
  | symbol
  | bigint
  | boolean
  | null
  | undefined
  | Date
  | Uint8Array
  | BindValue[]
  | { [key: string]: BindValue };

/** Parameters by position or by name. */
export type BindParameters = BindValue[] | Record<string, BindValue>;

/** The parameters of one call: values in a row, or one array or object that holds them. */
export type RestBindParameters = BindValue[] | [BindParameters];

const BIG_MAX = BigInt(Number.MAX_SAFE_INTEGER);

/** Converts the parameters of a call to those of `node:sqlite`, which binds every number as REAL. */
export function toParameters(args: RestBindParameters): unknown[] {
  const first = args[0];
  if (typeof first === "object" && first !== null && !isScalarObject(first)) {
    return Array.isArray(first) ? first.map(toBound) : [toNamedParameters(first)];
  }
  const params: unknown[] = args;
  for (let i = 0; i < params.length; i++) params[i] = toBound(params[i] as BindValue);
  return params;
}

function toNamedParameters(params: Record<string, BindValue>): Record<string, unknown> {
  const named: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(params)) {
    named[/^[:@$]/.test(name) ? name : `:${name}`] = toBound(value);
  }
  return named;
}

function isScalarObject(value: object): value is Date | Uint8Array {
  return value instanceof Uint8Array || value instanceof Date;
}

function toBound(value: BindValue): string | number | bigint | null | Uint8Array {
  switch (typeof value) {
    case "number":
      return Number.isInteger(value) ? BigInt(value) : value;
    case "string":
    case "bigint":
      return value;
    case "boolean":
      return value ? 1n : 0n;
    case "undefined":
      return null;
    case "object":
      if (value === null || value instanceof Uint8Array) return value;
      return value instanceof Date ? value.toISOString() : JSON.stringify(value);
    default:
      throw new Error(`Value of unsupported type: ${Deno.inspect(value)}`);
  }
}

/** Replaces, in place, each BigInt that a number can hold. */
export function narrowIntegers(row: unknown[]): unknown[] {
  for (let i = 0; i < row.length; i++) {
    const value = row[i];
    if (typeof value === "bigint" && value >= -BIG_MAX && value <= BIG_MAX) row[i] = Number(value);
  }
  return row;
}

/** Builds a row object of `names` and the values of `row`. */
export function buildObject(names: string[], row: unknown[]): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (let i = 0; i < row.length; i++) object[names[i]] = row[i];
  return object;
}

/**
 * Converts what a user function returned to a value that SQLite takes.
 *
 * @throws {TypeError} If SQLite has no such value.
 */
export function toFunctionResult(value: unknown): SupportedValueType {
  switch (typeof value) {
    case "undefined":
      return null;
    case "boolean":
      return value ? 1n : 0n;
    case "number":
      return Number.isSafeInteger(value) ? BigInt(value) : value;
    case "bigint":
      if (BigInt.asIntN(64, value) === value) return value;
      break;
    case "string":
      return value;
    case "object":
      if (value === null || value instanceof Uint8Array) return value;
  }
  throw new TypeError(`Invalid return value: ${Deno.inspect(value)}`);
}
