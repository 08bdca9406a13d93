import { TASK_RESULT_BYTES_MAX, TASK_RESULT_ENTRIES_KEPT } from "../base/limits.ts";
import type { Task } from "./tasks.ts";

/** Characters that a text of a cut result keeps. */
const TEXT_LENGTH_KEPT = 1_000;

/**
 * What a task answered as plain JSON, as it will be read after a restart too. A result that is too long
 * keeps the beginnings of its lists and texts, with a note that says so.
 */
export function toKeptResult(answer: unknown): Pick<Task, "result" | "note"> {
  let text: string | undefined;
  try {
    text = JSON.stringify(answer);
  } catch {
    return { result: null, note: "The result cannot be written as JSON" };
  }
  if (text === undefined) return { result: null, note: null };
  const bytes = new TextEncoder().encode(text).length;
  if (bytes <= TASK_RESULT_BYTES_MAX) return { result: JSON.parse(text), note: null };
  const cut = cutLists(JSON.parse(text));
  const isShort = new TextEncoder().encode(JSON.stringify(cut)).length <= TASK_RESULT_BYTES_MAX;
  const note = isShort
    ? `The result has ${bytes} bytes: of each list only the first ${TASK_RESULT_ENTRIES_KEPT} ` +
      "entries are kept"
    : `The result has ${bytes} bytes and is not kept`;
  return { result: isShort ? cut : null, note };
}

function cutLists(value: unknown): unknown {
  if (typeof value === "string") return value.slice(0, TEXT_LENGTH_KEPT);
  if (Array.isArray(value)) return value.slice(0, TASK_RESULT_ENTRIES_KEPT).map(cutLists);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, cutLists(entry)]));
}
