import type { LogNode, RangeField } from "./query_log.ts";

/** A range in SQL; `fields` says how each number is written. */
export function toRangeCondition(
  node: LogNode,
  fields: Readonly<Record<RangeField, string>>,
): string {
  if (node.kind !== "range") throw new TypeError(`Cannot write ${node.kind} as a range`);
  const { field, low, high } = node;
  const sides = [
    ...(Number.isFinite(low) ? [`${fields[field]} >= ${low}`] : []),
    ...(Number.isFinite(high) ? [`${fields[field]} <= ${high}`] : []),
  ];
  return `(${sides.join(" AND ")})`;
}
