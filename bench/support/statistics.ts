/** The value below which a share of the values lies (nearest rank); NaN without values. */
export function percentile(values: readonly number[] | Float64Array, share: number): number {
  if (values.length === 0) return NaN;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1 | 0)];
}

/** The value in the middle. */
export function median(values: readonly number[] | Float64Array): number {
  return percentile(values, 0.5);
}

/** The number with so many significant digits: figures are not more exact than that. */
export function round(value: number, digits = 4): number {
  return Number.isFinite(value) ? Number(value.toPrecision(digits)) : value;
}

/** Distribution of times, in milliseconds. */
export type Distribution = { p50: number; p95: number; p99: number; max: number; mean: number };

/** Distribution of some times. */
export function toDistribution(values: readonly number[] | Float64Array): Distribution {
  let sum = 0;
  for (const value of values) sum += value;
  return {
    p50: round(percentile(values, 0.5)),
    p95: round(percentile(values, 0.95)),
    p99: round(percentile(values, 0.99)),
    max: round(percentile(values, 1)),
    mean: round(sum / values.length),
  };
}

/** Rows as a table of Markdown; the first row is the head. */
export function toMarkdownTable(rows: readonly (readonly (string | number)[])[]): string {
  const [head, ...body] = rows;
  return [head, head.map(() => "---"), ...body].map((row) => `| ${row.join(" | ")} |`).join("\n");
}
