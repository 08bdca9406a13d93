import type { FoundFile } from "./import_walk.ts";

/** What is at a path: a file, a folder, something else (a link, a pipe), or nothing. */
export type Look =
  | { kind: "file"; file: FoundFile }
  | { kind: "folder" | "other" | "nothing" };

/**
 * What is to be done about a path that was looked at: `wait` for another look, `look_inside` a folder (it
 * stays, for a second time), or it has been the same for long enough: `take` it, or it is `gone`; `drop` says
 * that it is of no interest.
 */
export type Verdict = "wait" | "look_inside" | "take" | "gone" | "drop";

type Entry = {
  /** What the last look saw; null before the first one. */
  seen: string | null;
  /** When the next look is due. */
  dueMs: number;
  /** When the path was first heard of. */
  sinceMs: number;
  /** Whether the inside of a folder is unknown. */
  isNew: boolean;
};

/** Size and times of a file as text: the same text, the same content, as far as a stat can tell. */
export function signatureOf(file: FoundFile): string {
  return `${file.sizeBytes}:${file.mtimeMs}:${file.changedMs}:${file.inode}`;
}

/**
 * Paths at which something happened, until two looks at them, some time apart, saw the same. Our own clock
 * counts, not the times of the files, which another machine may have set.
 */
export class StillFiles {
  readonly #entries = new Map<string, Entry>();
  readonly #stillMs: number;

  /** Takes what two looks, `stillMs` apart, saw alike. */
  constructor(stillMs: number) {
    this.#stillMs = stillMs;
  }

  /** Paths that are waited for. */
  get size(): number {
    return this.#entries.size;
  }

  /** Whether a path is waited for. */
  has(path: string): boolean {
    return this.#entries.has(path);
  }

  /** Notes that something happened at a path; `isNew`: what it holds, if it is a folder, is unknown. */
  touch(path: string, nowMs: number, isNew = false): void {
    const entry = this.#entries.get(path);
    if (entry === undefined) {
      this.#entries.set(path, { seen: null, dueMs: nowMs, sinceMs: nowMs, isNew });
    } else if (isNew && !entry.isNew) {
      // Another thing has this name now.
      this.#entries.set(path, { ...entry, seen: null, dueMs: nowMs, isNew });
    }
  }

  /** Notes a file that a walk has just looked at. */
  see(file: FoundFile, nowMs: number): void {
    if (this.#entries.has(file.path)) return;
    this.#entries.set(file.path, {
      seen: signatureOf(file),
      dueMs: nowMs + this.#stillMs,
      sinceMs: nowMs,
      isNew: false,
    });
  }

  /** Some of the paths that are to be looked at now. */
  due(nowMs: number, limit: number): string[] {
    const paths: string[] = [];
    for (const [path, { dueMs }] of this.#entries) {
      if (dueMs > nowMs) continue;
      paths.push(path);
      if (paths.length === limit) break;
    }
    return paths;
  }

  /** Says what a look means; what is taken, gone or dropped is not waited for any more. */
  judge(path: string, look: Look, nowMs: number): Verdict {
    const entry = this.#entries.get(path);
    if (entry === undefined) return "drop";
    if (look.kind === "other" || (look.kind === "folder" && !entry.isNew)) {
      this.#entries.delete(path);
      return "drop";
    }
    const now = look.kind === "file" ? signatureOf(look.file) : look.kind;
    if (entry.seen === now) {
      this.#entries.delete(path);
      return look.kind === "file" ? "take" : look.kind === "nothing" ? "gone" : "look_inside";
    }
    this.#entries.set(path, { ...entry, seen: now, dueMs: nowMs + this.#stillMs });
    return look.kind === "folder" ? "look_inside" : "wait";
  }

  /**
   * Looks at a path again later, whatever it is by now, unless it was first heard of before a moment: then
   * false.
   */
  putOff(path: string, nowMs: number, sinceMs: number): boolean {
    const entry = this.#entries.get(path);
    if (entry === undefined || entry.sinceMs < sinceMs) return false;
    entry.dueMs = nowMs + this.#stillMs;
    return true;
  }

  /** When the next look is due; null if nothing is waited for. Cost: O(paths). */
  get nextDueMs(): number | null {
    let next: number | null = null;
    for (const { dueMs } of this.#entries.values()) {
      if (next === null || dueMs < next) next = dueMs;
    }
    return next;
  }

  /** Paths first heard of after a moment. Cost: O(paths). */
  countSince(momentMs: number): number {
    let count = 0;
    for (const { sinceMs } of this.#entries.values()) if (sinceMs >= momentMs) count++;
    return count;
  }

  /** The paths that are waited for. */
  paths(): string[] {
    return [...this.#entries.keys()];
  }

  /** Waits for nothing any more. */
  clear(): void {
    this.#entries.clear();
  }
}
