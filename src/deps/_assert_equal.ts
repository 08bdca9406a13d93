/** Deep equality by the rules of `@std/assert` 1.x. */

type Keyed = Set<unknown> | Map<unknown, unknown>;
type Pairs = Map<unknown, unknown>;
type ArrayLikeView = ArrayLike<unknown> & ArrayBufferView;

/** Classes whose instances are equal when their texts are. */
const COMPARED_AS_TEXT: ReadonlySet<object> = new Set<object>([
  Intl.Locale.prototype,
  RegExp.prototype,
  URL.prototype,
  URLSearchParams.prototype,
  ...temporalPrototypes(),
]);

/**
 * Returns whether `a` and `b` have the same value, however deep.
 *
 * 0 and -0 are equal, NaN equals itself, a null prototype counts as that of a plain object, and the
 * order of the keys of a Map or Set has no weight.
 *
 * @throws {TypeError} If two WeakMaps or two WeakSets are compared.
 */
export function equal(a: unknown, b: unknown): boolean {
  return compare(a, b, new Map());
}

function compare(a: unknown, b: unknown, seen: Pairs): boolean {
  if (isSame(a, b)) return true;
  if (!isObject(a) || !isObject(b)) return false;
  if (a instanceof Date && b instanceof Date) return isSame(a.getTime(), b.getTime());
  if (plainPrototypeOf(a) !== plainPrototypeOf(b)) return false;
  if (isArrayView(a)) return compareItems(a, b as ArrayLikeView);
  if (isBuffer(a)) return compareItems(new Uint8Array(a), new Uint8Array(b as ArrayBuffer));
  if (a instanceof WeakMap) throw new TypeError("Cannot compare WeakMap instances");
  if (a instanceof WeakSet) throw new TypeError("Cannot compare WeakSet instances");
  if (a instanceof WeakRef) return compare(a.deref(), (b as WeakRef<object>).deref(), seen);
  if (seen.get(a) === b) return true;
  if (Object.keys(a).length !== Object.keys(b).length) return false;
  seen.set(a, b);
  if (a instanceof Map || a instanceof Set) return compareKeyed(a, b as Keyed, seen);
  if (COMPARED_AS_TEXT.has(Object.getPrototypeOf(a))) return String(a) === String(b);
  return compareProperties(a, b, seen);
}

function compareItems(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (!isSame(a[i], b[i])) return false;
  }
  return true;
}

/** Compares two Maps, or two Sets as Maps from each member to itself. */
function compareKeyed(a: Keyed, b: Keyed, seen: Pairs): boolean {
  if (a.size !== b.size) return false;
  const entries = [...a.entries()];
  if (entries.some(([key]) => isObjectOrFunction(key))) {
    return compareByDeepKeys(entries, [...b.entries()], seen);
  }
  if (!(a instanceof Map)) return entries.every(([key]) => b.has(key));
  const other = b as Map<unknown, unknown>;
  return entries.every(([key, value]) => other.has(key) && compare(value, other.get(key), seen));
}

function compareByDeepKeys(
  a: [unknown, unknown][],
  b: [unknown, unknown][],
  seen: Pairs,
): boolean {
  return a.every(([aKey, aValue]) =>
    b.some(([bKey, bValue]) =>
      compare(aKey, bKey, seen) &&
      ((aKey === aValue && bKey === bValue) || compare(aValue, bValue, seen))
    )
  );
}

function compareProperties(a: object, b: object, seen: Pairs): boolean {
  const keys = isPlain(a) ? ownKeys({ ...a, ...b }) : new Set([...deepKeys(a), ...deepKeys(b)]);
  for (const key of keys) {
    if ((key in a) !== (key in b)) return false;
    if (!compare(Reflect.get(a, key), Reflect.get(b, key), seen)) return false;
  }
  return true;
}

function isSame(a: unknown, b: unknown): boolean {
  return a === b || Object.is(a, b);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isObjectOrFunction(value: unknown): boolean {
  return isObject(value) || typeof value === "function";
}

function isArrayView(value: object): value is ArrayLikeView {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

function isBuffer(value: object): value is ArrayBuffer {
  return value instanceof ArrayBuffer || value instanceof SharedArrayBuffer;
}

function plainPrototypeOf(value: object): object {
  return Object.getPrototypeOf(value) ?? Object.prototype;
}

function isPlain(value: object): boolean {
  const prototype = plainPrototypeOf(value);
  return prototype === Object.prototype || prototype === Array.prototype;
}

function ownKeys(value: object): (string | symbol)[] {
  return Reflect.ownKeys(value);
}

/** Collects the keys of an instance and of its classes, so that getters are compared as well. */
function deepKeys(value: object): Set<string | symbol> {
  const keys = new Set<string | symbol>();
  let current: object | null = value;
  while (current !== null && current !== Object.prototype && current !== Array.prototype) {
    for (const key of ownKeys(current)) keys.add(key);
    current = Object.getPrototypeOf(current);
  }
  return keys;
}

function temporalPrototypes(): object[] {
  const temporal: unknown = Reflect.get(globalThis, "Temporal");
  if (!isObject(temporal)) return [];
  return ownKeys(temporal)
    .map((key) => Reflect.get(temporal, key) as unknown)
    .filter((member) => typeof member === "function")
    .map((constructor) => constructor.prototype as object);
}
