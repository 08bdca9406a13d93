import type { JsonObject } from "./document.ts";

/** A piece of a type as people read it; `name`: of a schema that is described elsewhere. */
export type TypePiece = { text: string } | { name: string };

const INDENT = "  ";

/**
 * Writes a JSON schema as TypeScript writes types, with bounds and descriptions as comments, for
 * documentation.
 */
export function toTypePieces(schema: JsonObject, depth: number = 0): TypePiece[] {
  if (typeof schema.$ref === "string") return [{ name: schema.$ref.split("/").at(-1)! }];
  if (schema.const !== undefined) return text(JSON.stringify(schema.const));
  if (Array.isArray(schema.enum)) {
    return text(schema.enum.map((value) => JSON.stringify(value)).join(" | "));
  }
  const options = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(options)) {
    return joinWith(options.map((one) => toTypePieces(one, depth)), " | ");
  }
  if (Array.isArray(schema.prefixItems)) {
    const items = schema.prefixItems.map((item) => toTypePieces(item, depth));
    return [...text("["), ...joinWith(items, ", "), ...text("]")];
  }
  if (Array.isArray(schema.type)) {
    return joinWith(schema.type.map((type) => toTypePieces({ ...schema, type }, depth)), " | ");
  }
  if (schema.type === "array") return toListPieces(schema, depth);
  if (schema.type === "object") return toObjectPieces(schema, depth);
  return text(typeof schema.type === "string" ? schema.type : "any JSON");
}

/** Bounds of a value in words, empty if there are none. */
export function toBoundsText(schema: JsonObject): string {
  const { minimum, maximum, minLength, maxLength, maxItems } = schema;
  const range = minimum === undefined && maximum === undefined
    ? []
    : maximum === undefined
    ? [`from ${minimum}`]
    : minimum === undefined
    ? [`at most ${maximum}`]
    : [`${minimum} to ${maximum}`];
  return [
    ...range,
    ...(minLength === undefined ? [] : [`at least ${minLength} characters`]),
    ...(maxLength === undefined ? [] : [`at most ${maxLength} characters`]),
    ...(maxItems === undefined ? [] : [`at most ${maxItems} entries`]),
    ...(schema.default === undefined ? [] : [`by default ${JSON.stringify(schema.default)}`]),
  ].join(", ");
}

function text(value: string): TypePiece[] {
  return [{ text: value }];
}

function joinWith(parts: readonly TypePiece[][], separator: string): TypePiece[] {
  return parts.flatMap((part, i) => i === 0 ? part : [...text(separator), ...part]);
}

function toListPieces(schema: JsonObject, depth: number): TypePiece[] {
  const items = toTypePieces(schema.items as JsonObject ?? {}, depth);
  const isUnion = items.some((piece) => "text" in piece && piece.text.includes(" | "));
  return isUnion ? [...text("("), ...items, ...text(")[]")] : [...items, ...text("[]")];
}

function toObjectPieces(schema: JsonObject, depth: number): TypePiece[] {
  const properties = Object.entries(schema.properties ?? {}) as [string, JsonObject][];
  const required = Array.isArray(schema.required) ? schema.required : [];
  const names = schema.propertyNames as JsonObject | undefined;
  const rest = schema.additionalProperties;
  const margin = INDENT.repeat(depth + 1);
  const lines = properties.map(([name, value]) => {
    const comment = toComment(value, margin);
    const mark = required.includes(name) ? "" : "?";
    return [
      ...text(`${comment}${margin}${name}${mark}: `),
      ...toTypePieces(value, depth + 1),
      ...text("\n"),
    ];
  });
  if (typeof rest === "object" && rest !== null) {
    const key = names === undefined ? text("string") : toTypePieces(names, depth + 1);
    const value = toTypePieces(rest as JsonObject, depth + 1);
    lines.push([...text(`${margin}[`), ...key, ...text("]: "), ...value, ...text("\n")]);
  }
  if (lines.length === 0) return text("{}");
  return [...text("{\n"), ...lines.flat(), ...text(`${INDENT.repeat(depth)}}`)];
}

function toComment(schema: JsonObject, margin: string): string {
  const said = typeof schema.description === "string" ? [schema.description] : [];
  const bounds = toBoundsText(schema);
  const whole = [...said, ...(bounds === "" || bounds === "from 0" ? [] : [bounds])].join("; ");
  return whole === "" ? "" : `${margin}// ${whole}\n`;
}
