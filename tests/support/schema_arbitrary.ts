import fc from "fast-check";
import type { JsonObject } from "../../src/http/openapi/document.ts";

/*
 * Values after a JSON schema: such as it lets pass, often the edges of what it says, and such as it should
 * not.
 */

/** Texts that break what was not made for them. */
const NASTY_TEXTS = [
  "",
  " ",
  "0",
  "-1",
  "01",
  "1e3",
  "1.5",
  "NaN",
  "2147483647",
  "2147483648",
  "9007199254740993",
  "99999999999999999999999",
  "null",
  "true",
  "__proto__",
  "constructor",
  "*",
  "-",
  "~",
  "(",
  ")",
  '"',
  "a:b",
  "order:",
  "order:random",
  "rating:",
  "pool:",
  "id:..",
  "-(-(hat",
  "hat or",
  "%",
  "_",
  "'; DROP TABLE images; --",
  "\u0000",
  "a\u0000b",
  "\n",
  "\u202e",
  "\ud800",
  "e\u0301",
  "🦊",
  "../../etc/passwd",
  "ſ",
  "İ",
  "x".repeat(3_000),
];

const SOME_TEXTS = ["hat", "solo", "miku", "rating:general", "artist:somebody", "b2", "a1", "2"];

function textOf(schema: JsonObject): fc.Arbitrary<string> {
  const maxLength = Math.min(Number(schema.maxLength ?? 30), 30);
  return fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...SOME_TEXTS) },
    { weight: 2, arbitrary: fc.constantFrom(...NASTY_TEXTS) },
    { weight: 2, arbitrary: fc.string({ maxLength }) },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength }) },
  );
}

/** Values that fit a schema mostly; texts are not kept to their patterns. */
export function valueOf(schema: JsonObject): fc.Arbitrary<unknown> {
  if (Array.isArray(schema.enum)) return fc.constantFrom(...schema.enum);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (Array.isArray(schema.anyOf)) return fc.oneof(...schema.anyOf.map(valueOf));
  if (Array.isArray(schema.type)) {
    return fc.oneof(...schema.type.map((type) => valueOf({ ...schema, type })));
  }
  switch (schema.type) {
    case "string":
      return textOf(schema);
    case "integer":
    case "number": {
      const min = Number(schema.minimum ?? -10);
      const max = Number(schema.maximum ?? 1_000);
      return fc.oneof(
        fc.integer({ min, max }),
        fc.integer({ min, max: Math.min(max, min + 5) }),
        fc.constantFrom(min, max),
      );
    }
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "array":
      return fc.array(valueOf(schema.items as JsonObject), { maxLength: 4 });
    case "object":
      return objectOf(schema, valueOf);
    default:
      throw new TypeError(`No values are known for ${JSON.stringify(schema)}`);
  }
}

function objectOf(
  { properties = {}, required = [] }: JsonObject,
  toValue: (schema: JsonObject) => fc.Arbitrary<unknown>,
): fc.Arbitrary<Record<string, unknown>> {
  const fields = Object.entries(properties as Record<string, JsonObject>);
  return fc.record(
    Object.fromEntries(fields.map(([name, schema]) => [name, toValue(schema)])),
    { requiredKeys: required as string[] },
  );
}

/** Any JSON, with what a schema names somewhere in it. */
function wrong(schema: JsonObject): fc.Arbitrary<unknown> {
  return fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom<unknown>(null, 0, -1, 1.5, 1e300, "", [], {}, [[]], true, ...NASTY_TEXTS),
    valueOf(schema).map((value) => [value]),
  );
}

/** Values of which about a third does not fit. */
export function inputOf(schema: JsonObject): fc.Arbitrary<unknown> {
  const isObject = schema.type === "object" && schema.properties !== undefined;
  return fc.oneof(
    { weight: 5, arbitrary: valueOf(schema) },
    { weight: 1, arbitrary: wrong(schema) },
    ...(isObject
      ? [
        {
          weight: 2,
          arbitrary: objectOf(schema, (field) => fc.oneof(valueOf(field), wrong(field))),
        },
        {
          weight: 1,
          arbitrary: fc.tuple(objectOf(schema, valueOf), fc.string()).map(([value, name]) => ({
            ...value,
            [name]: 1,
          })),
        },
      ]
      : []),
  );
}

/** A parameter of an address or a part of a path that fits its schema mostly, as text. */
export function parameterOf(schema: JsonObject): fc.Arbitrary<string> {
  return valueOf(schema).map(String);
}

/** A parameter that is to be refused mostly. */
export function badParameterOf(schema: JsonObject): fc.Arbitrary<string> {
  return fc.oneof(fc.constantFrom(...NASTY_TEXTS), fc.string(), parameterOf(schema));
}
