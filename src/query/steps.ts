import { AppError } from "../base/errors.ts";
import { MAIN_SLICE_MS } from "../base/limits.ts";

/** Work that can be paused wherever it yields; it yields at least every few milliseconds. */
export type Steps<T> = Generator<void, T>;

/** How long work may go on. */
export type StepsOptions = {
  /** After so long it is given up; never, if not said. */
  deadlineMs?: number;
  /** Ends it early. */
  signal?: AbortSignal;
  /** What is given up, for the message: "The search". */
  what?: string;
};

/**
 * Runs work in slices, between which the isolate does other things.
 *
 * @throws {AppError} `timeout` behind the deadline, `cancelled` when the signal says so.
 */
export async function runSteps<T>(steps: Steps<T>, options: StepsOptions = {}): Promise<T> {
  const { deadlineMs = Infinity, signal, what = "The work" } = options;
  const startedAt = performance.now();
  let sliceEnd = startedAt + MAIN_SLICE_MS;
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    const now = performance.now();
    if (now < sliceEnd) continue;
    if (now - startedAt > deadlineMs) {
      throw new AppError(
        "timeout",
        `${what} took longer than ${deadlineMs} ms and was given up`,
        { remedy: "Add a tag that narrows it, or use fewer wildcards" },
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 0));
    if (signal?.aborted) {
      throw new AppError("cancelled", `${what} was cancelled`);
    }
    sliceEnd = performance.now() + MAIN_SLICE_MS;
  }
}

/** Runs work to its end without a pause. */
export function runAtOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}
