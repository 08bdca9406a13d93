/** The part of an object that `assertObjectMatch()` compares, by the rules of `@std/assert` 1.x. */

type Loose = Record<PropertyKey, unknown>;
type Pairs = WeakMap<object, object>;

/**
 * Returns a plain copy of `actual` with only the keys that `expected` has too, however deep.
 *
 * Where two objects share no key at all, the copy has every key of `actual`, so that a comparison fails
 * and shows them.
 *
 * @throws {TypeError} If `actual` is not an object.
 */
export function pickCommon(actual: object, expected: object): object {
  if (!isObject(actual)) {
    const kind = actual === null ? "null" : `type ${typeof actual}`;
    throw new TypeError(`Cannot assertObjectMatch ${kind}`);
  }
  return pickObject(actual as Loose, expected as Loose, new WeakMap());
}

function pickObject(actual: Loose, expected: Loose, seen: Pairs): object {
  if (seen.get(actual) === expected) return actual;
  seen.set(actual, expected);
  const actualKeys = Reflect.ownKeys(actual);
  const expectedKeys = new Set(Reflect.ownKeys(expected));
  const common = actualKeys.filter((key) => expectedKeys.has(key));
  const copy = {};
  if (common.length === 0 && expectedKeys.size > 0) {
    for (const key of actualKeys) define(copy, key, actual[key]);
    return copy;
  }
  for (const key of common) define(copy, key, pickValue(actual[key], expected[key], seen));
  return copy;
}

function pickValue(actual: unknown, expected: unknown, seen: Pairs): unknown {
  if (actual instanceof RegExp || actual instanceof Date) return actual;
  if (Array.isArray(actual) && Array.isArray(expected)) return pickArray(actual, expected, seen);
  if (!isObject(actual) || !isObject(expected)) return actual;
  if (actual instanceof Map && expected instanceof Map) return pickMap(actual, expected, seen);
  if (actual instanceof Set && expected instanceof Set) return actual.intersection(expected);
  return pickObject(actual as Loose, expected as Loose, seen);
}

function pickArray(actual: unknown[], expected: unknown[], seen: Pairs): unknown[] {
  if (seen.get(actual) === expected) return actual;
  seen.set(actual, expected);
  const count = Math.min(actual.length, expected.length);
  return Array.from({ length: count }, (_, i) => pickValue(actual[i], expected[i], seen));
}

function pickMap(
  actual: Map<unknown, unknown>,
  expected: Map<unknown, unknown>,
  seen: Pairs,
): Map<unknown, unknown> {
  const copy = new Map<unknown, unknown>();
  for (const [key, value] of actual) {
    if (!expected.has(key)) continue;
    const other = expected.get(key);
    const bothObjects = isObject(value) && isObject(other);
    copy.set(key, bothObjects ? pickObject(value as Loose, other as Loose, seen) : value);
  }
  return copy;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Sets a property even where its name is that of a setter, such as `__proto__`. */
function define(target: object, key: PropertyKey, value: unknown): void {
  Object.defineProperty(target, key, {
    value,
    configurable: true,
    enumerable: true,
    writable: true,
  });
}
