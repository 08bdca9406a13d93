/** What the routes answer with: JSON's values, and numbers that must keep a fraction. */
export type Value = null | boolean | number | string | Decimal | Value[] | { [key: string]: Value };

/** An object of an answer. */
export type Fields = { [key: string]: Value };

/** TypeScript's library does not know it yet. */
const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown };

/**
 * A number that is written with a fraction even when it is whole. Clients in typed languages declare a
 * duration as a double and fail on `4`, where Ruby writes `4.0`.
 */
export class Decimal {
  readonly #value: number;

  /** Wraps a finite number. */
  constructor(value: number) {
    this.#value = value;
  }

  /** The number with its fraction. */
  toString(): string {
    return Number.isInteger(this.#value) ? this.#value.toFixed(1) : String(this.#value);
  }

  /** What JSON.stringify writes. */
  toJSON(): unknown {
    return rawJSON(this.toString());
  }
}

/** Writes a value as Rails writes XML: names with dashes, types as attributes, nil where there is none. */
export function toXml(value: Value, root: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${toElement(root, value)}\n`;
}

function toElement(name: string, value: Value): string {
  const tag = name.replaceAll("_", "-");
  if (value === null) return `<${tag} nil="true"/>`;
  if (Array.isArray(value)) {
    if (value.length === 0) return `<${tag} type="array"/>`;
    const items = value.map((item) => toElement(singularOf(name), item));
    return `<${tag} type="array">${items.join("")}</${tag}>`;
  }
  if (typeof value === "number") return `<${tag} type="integer">${value}</${tag}>`;
  if (typeof value === "boolean") return `<${tag} type="boolean">${value}</${tag}>`;
  if (value instanceof Decimal) return `<${tag} type="float">${value}</${tag}>`;
  if (typeof value === "string") return `<${tag}>${escape(value)}</${tag}>`;
  const fields = Object.entries(value).map(([key, item]) => toElement(key, item));
  return `<${tag}>${fields.join("")}</${tag}>`;
}

function singularOf(name: string): string {
  if (name.endsWith("ies")) return `${name.slice(0, -3)}y`;
  return name.endsWith("s") ? name.slice(0, -1) : name;
}

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

function escape(text: string): string {
  // Signs that XML cannot hold at all are left out.
  // deno-lint-ignore no-control-regex -- those are what is looked for
  return text.replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "")
    .replaceAll(/[&<>"]/g, (sign) => ENTITIES[sign]);
}

/** Names that an answer is cut down to; null in place of a tree keeps everything. */
export type Only = Map<string, Only | null>;

/** Parts of `only`, and brackets inside of each other. */
const ONLY_LENGTH_MAX = 4_000;

/**
 * Reads `a,b,c[d,e]`; undefined without a text. What does not parse is left out, as unknown names are.
 */
export function parseOnly(text: string | undefined): Only | undefined {
  if (text === undefined || text.trim() === "") return undefined;
  const root: Only = new Map();
  const open: Only[] = [root];
  let last: string | null = null;
  for (const [part] of text.slice(0, ONLY_LENGTH_MAX).matchAll(/[[\],]|[^\s[\],]+/g)) {
    const current = open[open.length - 1];
    if (part === "[") {
      const inner: Only = new Map();
      if (last !== null) current.set(last, inner);
      open.push(inner);
      last = null;
    } else if (part === "]") {
      if (open.length > 1) open.pop();
      last = null;
    } else if (part === ",") last = null;
    else {
      current.set(part, current.get(part) ?? null);
      last = part;
    }
  }
  return root;
}

/** Objects that are answered only when `only` names them. */
export type Associations = Record<string, () => Value>;

/** Cuts an object down to the names asked for, in its own order; associations come behind. */
export function selectFields(
  fields: Fields,
  only: Only | undefined,
  associations: Associations = {},
): Fields {
  if (only === undefined) return fields;
  const selected: Fields = {};
  for (const [name, value] of Object.entries(fields)) {
    if (only.has(name)) selected[name] = cut(value, only.get(name)!);
  }
  for (const [name, inner] of only) {
    if (!Object.hasOwn(selected, name) && Object.hasOwn(associations, name)) {
      selected[name] = cut(associations[name](), inner);
    }
  }
  return selected;
}

function cut(value: Value, only: Only | null): Value {
  if (only === null) return value;
  if (Array.isArray(value)) return value.map((item) => cut(item, only));
  const isFields = typeof value === "object" && value !== null && !(value instanceof Decimal);
  return isFields ? selectFields(value, only) : value;
}
