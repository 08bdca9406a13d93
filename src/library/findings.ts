import { AppError, toMessage } from "../base/errors.ts";

/** How something stands: as it should, worth knowing, or in the way. */
export type Verdict = "ok" | "warning" | "problem";

/** One line of a look at machine and library. */
export type Finding = {
  topic: "program" | "machine" | "library" | "network";
  name: string;
  verdict: Verdict;
  text: string;
  /** What can be done about it; null where nothing has to be. */
  remedy: string | null;
};

/** Something that is as it should be. */
export function fine(topic: Finding["topic"], name: string, text: string): Finding {
  return { topic, name, verdict: "ok", text, remedy: null };
}

/** Something worth knowing, and what can be done about it. */
export function warned(
  topic: Finding["topic"],
  name: string,
  { text, remedy }: { text: string; remedy: string },
): Finding {
  return { topic, name, verdict: "warning", text, remedy };
}

/** Something that is in the way, and what helps. */
export function broken(
  topic: Finding["topic"],
  name: string,
  { text, remedy }: { text: string; remedy: string },
): Finding {
  return { topic, name, verdict: "problem", text, remedy };
}

/** What a look at one thing of a topic finds; a look that fails is a finding too, and stops no other. */
export async function lookFor(
  topic: Finding["topic"],
  name: string,
  look: () => Finding | Finding[] | Promise<Finding | Finding[]>,
): Promise<Finding[]> {
  try {
    return [await look()].flat();
  } catch (error) {
    const found = failed(topic, name, error);
    return [{ ...found, remedy: found.remedy ?? "See whether this user may read what is named" }];
  }
}

/** Something that failed, with the remedy that its error names. */
export function failed(topic: Finding["topic"], name: string, error: unknown): Finding {
  const remedy = error instanceof AppError ? error.remedy ?? null : null;
  return { topic, name, verdict: "problem", text: toMessage(error), remedy };
}

/** Bytes as a person reads them: 1 kB is 1,000 bytes. */
export function toSize(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB", "PB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_000;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
