/** The part of `@std/assert` 1.x that this project uses. */
import { equal } from "./_assert_equal.ts";
import { pickCommon } from "./_assert_match.ts";
import { describeDifference, format } from "./_assert_report.ts";

export { equal };

/** A class whose instances an assertion expects. */
export type Constructor<T> = abstract new (...args: never[]) => T;

/** An array or anything with a length and indexes; a string is not one. */
export type ArrayLikeArg<T> = ArrayLike<T> & object;

/** The values that {@link assertFalse} lets pass. */
export type Falsy = false | 0 | 0n | "" | null | undefined;

/** The error of a failed assertion. */
export class AssertionError extends Error {
  /** The name of the class. */
  override name = "AssertionError";
}

/**
 * Checks that `expr` is truthy.
 *
 * @throws {AssertionError} If it is not.
 */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/**
 * Checks that `expr` is falsy.
 *
 * @throws {AssertionError} If it is not.
 */
export function assertFalse(expr: unknown, msg = ""): asserts expr is Falsy {
  if (expr) throw new AssertionError(msg);
}

/**
 * Checks that both values are equal, however deep.
 *
 * @throws {AssertionError} If they are not; the message shows the lines that differ.
 */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  const difference = describeDifference(actual, expected);
  throw new AssertionError(`Values are not equal${suffix(msg)}\n${difference}`);
}

/**
 * Checks that both values are not equal.
 *
 * @throws {AssertionError} If they are equal, however deep.
 */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!equal(actual, expected)) return;
  throw new AssertionError(
    `Expected actual: ${format(actual)} not to be: ${format(expected)}${suffix(msg)}`,
  );
}

/**
 * Checks that both values are the same by `Object.is()`.
 *
 * @throws {AssertionError} If they are not.
 */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (Object.is(actual, expected)) return;
  const text = format(actual);
  if (text === format(expected)) {
    throw new AssertionError(
      `Values have the same structure but are not reference-equal${suffix(msg)}\n\n${text}\n`,
    );
  }
  const difference = describeDifference(actual, expected);
  throw new AssertionError(`Values are not strictly equal${suffix(msg)}\n${difference}`);
}

/**
 * Checks that the value is neither null nor undefined.
 *
 * @throws {AssertionError} If it is.
 */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  if (actual !== undefined && actual !== null) return;
  throw new AssertionError(
    `Expected actual: "${actual}" to not be null or undefined${suffix(msg)}`,
  );
}

/**
 * Checks that the text matches the pattern.
 *
 * @throws {AssertionError} If it does not.
 */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (expected.test(actual)) return;
  throw new AssertionError(`Expected actual: "${actual}" to match: "${expected}"${suffix(msg)}`);
}

/**
 * Checks that the text contains `expected`.
 *
 * @throws {AssertionError} If it does not.
 */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (actual.includes(expected)) return;
  throw new AssertionError(`Expected actual: "${actual}" to contain: "${expected}"${suffix(msg)}`);
}

/**
 * Checks that each item of `expected` equals some item of `actual`.
 *
 * @throws {AssertionError} If one is missing; the message names all that are.
 */
export function assertArrayIncludes<T>(
  actual: ArrayLikeArg<T>,
  expected: ArrayLikeArg<T>,
  msg?: string,
): void {
  const items = Array.from(actual);
  const missing = Array.from(expected).filter((item) => !items.some((other) => equal(item, other)));
  if (missing.length === 0) return;
  throw new AssertionError(
    `Expected actual: "${format(actual)}" to include: "${format(expected)}"${suffix(msg)}\n` +
      `missing: ${format(missing)}`,
  );
}

/**
 * Checks that `actual` has all that `expected` has, however deep; it may have more.
 *
 * @throws {AssertionError} If it has not.
 */
export function assertObjectMatch(
  actual: object,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  assertEquals(pickCommon(actual, expected), pickCommon(expected, expected), msg);
}

/**
 * Checks that `actual` is greater than `expected`.
 *
 * @throws {AssertionError} If it is not.
 */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  if (actual > expected) return;
  throw new AssertionError(msg ?? `Expect ${format(actual)} > ${format(expected)}`);
}

/**
 * Checks that `actual` is at least `expected`.
 *
 * @throws {AssertionError} If it is not.
 */
export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (actual >= expected) return;
  throw new AssertionError(msg ?? `Expect ${format(actual)} >= ${format(expected)}`);
}

/**
 * Checks that `actual` is less than `expected`.
 *
 * @throws {AssertionError} If it is not.
 */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  if (actual < expected) return;
  throw new AssertionError(msg ?? `Expect ${format(actual)} < ${format(expected)}`);
}

/**
 * Checks that `actual` is at most `expected`.
 *
 * @throws {AssertionError} If it is not.
 */
export function assertLessOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (actual <= expected) return;
  throw new AssertionError(msg ?? `Expect ${format(actual)} <= ${format(expected)}`);
}

/**
 * Checks that two numbers are no further apart than `tolerance`: by default a ten-millionth of
 * `expected`.
 *
 * @throws {AssertionError} If they are.
 */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance: number = Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7,
  msg?: string,
): void {
  if (Object.is(actual, expected)) return;
  const delta = Math.abs(expected - actual);
  if (delta <= tolerance) return;
  const [a, e, d, t] = [actual, expected, delta, tolerance].map(toShortNumber);
  throw new AssertionError(
    `Expected actual: "${a}" to be close to "${e}": delta "${d}" is greater than "${t}"` +
      suffix(msg),
  );
}

/**
 * Checks that `actual` is an instance of `expectedType`.
 *
 * @throws {AssertionError} If it is not.
 */
export function assertInstanceOf<T extends Constructor<unknown>>(
  actual: unknown,
  expectedType: T,
  msg = "",
): asserts actual is InstanceType<T> {
  if (actual instanceof expectedType) return;
  const found = describeType(actual);
  let reason = ` but was "${found}"`;
  if (found === expectedType.name) reason = "";
  else if (found === "function") reason = " but was not an instanced object";
  throw new AssertionError(
    `Expected object to be an instance of "${expectedType.name}"${reason}${suffix(msg)}`,
  );
}

/**
 * Checks that `fn` throws and returns what it threw.
 *
 * @throws {AssertionError} If it does not throw.
 */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/**
 * Checks that `fn` throws an `ErrorClass` whose message includes a text, and returns that error.
 *
 * @throws {AssertionError} If it does not throw, or throws something else.
 */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: Constructor<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(
  fn: () => unknown,
  classOrMsg?: Constructor<Error> | string,
  includesOrMsg?: string,
  msg?: string,
): unknown {
  const expected = toExpectedError(classOrMsg, includesOrMsg, msg);
  try {
    fn();
  } catch (error) {
    checkError(error, expected, "thrown");
    return error;
  }
  throw new AssertionError(`Expected function to throw${suffix(expected.msg)}`);
}

/**
 * Checks that the promise of `fn` rejects and returns the reason.
 *
 * @throws {AssertionError} If it does not reject, or if `fn` itself throws.
 */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
/**
 * Checks that the promise of `fn` rejects with an `ErrorClass` whose message includes a text, and
 * returns that error.
 *
 * @throws {AssertionError} If it does not reject, rejects with something else, or if `fn` itself throws.
 */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: Constructor<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  classOrMsg?: Constructor<Error> | string,
  includesOrMsg?: string,
  msg?: string,
): Promise<unknown> {
  const expected = toExpectedError(classOrMsg, includesOrMsg, msg);
  const promise = callForPromise(fn, expected.msg);
  try {
    await promise;
  } catch (reason) {
    checkError(reason, expected, "rejected");
    return reason;
  }
  throw new AssertionError(`Expected function to reject${suffix(expected.msg)}`);
}

/**
 * Fails.
 *
 * @throws {AssertionError} Always.
 */
export function fail(msg?: string): never {
  throw new AssertionError(`Failed assertion${suffix(msg)}`);
}

/**
 * Marks a place that no test reaches.
 *
 * @throws {AssertionError} Always.
 */
export function unreachable(msg?: string): never {
  throw new AssertionError(`Unreachable${suffix(msg)}`);
}

/** What an assertion about an error expects. */
interface ExpectedError {
  ErrorClass?: Constructor<Error>;
  includes?: string;
  msg?: string;
}

/** Sorts out the arguments: a class comes before a text to look for, else the text is the message. */
function toExpectedError(
  classOrMsg: Constructor<Error> | string | undefined,
  includesOrMsg: string | undefined,
  msg: string | undefined,
): ExpectedError {
  if (typeof classOrMsg === "string") return { msg: classOrMsg };
  const isErrorClass = classOrMsg === undefined || classOrMsg?.prototype === Error.prototype ||
    classOrMsg?.prototype instanceof Error;
  if (!isErrorClass) return { msg: includesOrMsg };
  return { ErrorClass: classOrMsg, includes: includesOrMsg, msg };
}

function checkError(error: unknown, expected: ExpectedError, verb: "thrown" | "rejected"): void {
  const { ErrorClass, includes, msg } = expected;
  if (ErrorClass === undefined) return;
  if (!(error instanceof Error)) {
    throw new AssertionError(`A non-Error object was ${verb}${suffix(msg)}`);
  }
  if (!(error instanceof ErrorClass)) {
    throw new AssertionError(
      `Expected error to be instance of "${ErrorClass.name}", but was "${describeType(error)}"` +
        suffix(msg),
    );
  }
  if (includes && !error.message.includes(includes)) {
    throw new AssertionError(
      `Expected error message to include ${JSON.stringify(includes)}, ` +
        `but got ${JSON.stringify(error.message)}${suffix(msg)}`,
    );
  }
}

function callForPromise(fn: () => PromiseLike<unknown>, msg?: string): PromiseLike<unknown> {
  let result: unknown;
  try {
    result = fn();
  } catch (error) {
    throw new AssertionError(`Function throws when expected to reject${suffix(msg)}`, {
      cause: error,
    });
  }
  if (typeof result === "object" && result !== null && "then" in result) {
    return result as PromiseLike<unknown>;
  }
  throw new AssertionError(`Function throws when expected to reject${suffix(msg)}`);
}

function describeType(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return typeof value === "object" ? value.constructor?.name ?? "Object" : typeof value;
}

function toShortNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toExponential();
}

function suffix(msg: string | undefined): string {
  return msg ? `: ${msg}` : ".";
}
