/** A sample: its labels, its value, and what its name has behind that of the family. */
export type MetricSample = {
  labels?: Readonly<Record<string, string>>;
  /** Null: nobody knows, and it is left out. */
  value: number | null;
  suffix?: "_bucket" | "_sum" | "_count";
};

/** Samples of one name. */
export type MetricFamily = {
  name: string;
  help: string;
  type: "counter" | "gauge" | "histogram";
  samples: readonly MetricSample[];
};

/** Content type of {@link writeMetrics}. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/**
 * Metrics as Prometheus reads them, version 0.0.4 of its text format.
 *
 * Source: {@link https://prometheus.io/docs/instrumenting/exposition_formats/}
 */
export function writeMetrics(families: readonly MetricFamily[]): string {
  const lines: string[] = [];
  for (const { name, help, type, samples } of families) {
    lines.push(`# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}`);
    lines.push(`# TYPE ${name} ${type}`);
    for (const { labels = {}, value, suffix = "" } of samples) {
      if (value !== null) lines.push(`${name}${suffix}${writeLabels(labels)} ${toText(value)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function writeLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

/** A value may hold anything; these three must be written otherwise. */
function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function toText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? "+Inf" : "-Inf";
}
