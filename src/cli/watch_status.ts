import { escapeControls } from "../base/log.ts";
import type { WatchProblem, WatchRootStatus } from "../library/watched_root.ts";

/** Prints what changed since it was printed last. */
export class StatusPrinter {
  readonly #shown = new Map<string, WatchRootStatus>();
  readonly #told = new WeakSet<WatchProblem>();

  /** Prints what a folder did and refused since then. */
  show(root: WatchRootStatus): void {
    const before = this.#shown.get(root.name);
    this.#shown.set(root.name, root);
    const done = describeCounts(root, before);
    if (done !== "") printLine(`${root.name}: ${done}`);
    for (const problem of root.problems) {
      if (this.#told.has(problem)) continue;
      this.#told.add(problem);
      printLine(describeProblem(problem));
    }
  }
}

const COUNTS: [keyof WatchRootStatus, string][] = [
  ["added", "added"],
  ["known", "known already"],
  ["replaced", "edited in place"],
  ["moved", "renamed"],
  ["missing", "missing now"],
  ["returned", "back again"],
  ["sidecars", "sidecars read later"],
  ["failed", "failed"],
];

/** What was done with files, in words; only what happened since `before`. */
export function describeCounts(
  now: Record<string, unknown>,
  before?: Record<string, unknown>,
): string {
  return COUNTS.map(([key, text]) => ({
    text,
    count: Number(now[key]) - Number(before?.[key] ?? 0),
  }))
    .filter(({ count }) => count !== 0).map(({ text, count }) => `${count} ${text}`).join(", ");
}

/** A file that was not taken, or taken with a warning. */
export function describeProblem({ path, code, reason }: WatchProblem): string {
  return `${code === "warning" ? "warning" : "skipped"} ${path}: ${reason}`;
}

/** Prints a line without what could move a terminal's cursor. */
export function printLine(line: string): void {
  console.log(escapeControls(line));
}
