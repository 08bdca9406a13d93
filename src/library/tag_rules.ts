import { CHANGES_APPLIED_MAX, TAG_WRITE_MS } from "../base/limits.ts";
import {
  countTagRuleImages,
  readTagRuleJobs,
  type TagRuleCursor,
  type TagRuleStep,
} from "../store/tag_rule_jobs.ts";
import type { Library } from "./library.ts";
import { mergeFullText, WRITES_BETWEEN_MERGES } from "./operations.ts";
import { showChanges } from "./show_changes.ts";
import { isActive, type Task, type TaskContext } from "./tasks.ts";

/** Kind of the task that brings aliases and implications to images. */
export const TAG_RULES_TASK = "tag_rules";

/** What {@link finishTagRules} did. */
export type TagRulesReport = {
  /** Images that were looked at. */
  images: number;
  /** Those among them whose tags changed. */
  changed: number;
};

/**
 * Brings aliases and implications that were added or taken back to the images that there are, in batches
 * between which others write; many thousands are shown when all of them are done. Whatever ends it, it goes
 * on with the next call or the next start. Cost: about 0.15 ms an image whose tags change.
 */
export async function finishTagRules(
  library: Library,
  { signal, report }: Partial<TaskContext> = {},
): Promise<TagRulesReport> {
  const { reader } = library.core;
  const done: TagRulesReport = { images: 0, changed: 0 };
  let writes = 0;
  const isLarge = readTagRuleJobs(reader)
    .some((job) => countTagRuleImages(reader, job) > CHANGES_APPLIED_MAX);
  // Thousands of images are shown together: else everything would be loaded anew all the time.
  const release = isLarge ? library.core.hold() : () => {};
  try {
    for (let [job] = readTagRuleJobs(reader); job !== undefined; [job] = readTagRuleJobs(reader)) {
      const total = countTagRuleImages(reader, job);
      let cursor: TagRuleCursor | null = null;
      let looked = 0;
      do {
        signal?.throwIfAborted();
        const step: TagRuleStep = await library.writer.call("continueTagRuleJob", {
          id: job.id,
          cursor,
          forMs: TAG_WRITE_MS,
        });
        if (++writes % WRITES_BETWEEN_MERGES === 0) await mergeFullText(library);
        looked += step.images;
        done.images += step.images;
        done.changed += step.changed;
        report?.({ done: looked, total: Math.max(total, looked), message: job.label });
        cursor = step.next;
      } while (cursor !== null);
    }
  } finally {
    release();
    if (done.changed > 0) {
      await showChanges(library);
      await mergeFullText(library);
    }
  }
  return done;
}

/** Starts the task that does {@link finishTagRules}, or gives the one that runs and does this too. */
export function startTagRules(library: Library): Task {
  const running = library.tasks.active(TAG_RULES_TASK);
  if (running !== undefined) return running;
  const ended = new AbortController();
  const task = library.tasks.start(
    TAG_RULES_TASK,
    (context) => finishTagRules(library, context),
  );
  library.tasks.events.on("changed", (changed) => {
    if (changed.id !== task.id || isActive(changed)) return;
    ended.abort();
    // What was asked for at the very end. Later: the runner still counts the task that ends now.
    if (changed.state === "succeeded") void Promise.resolve().then(() => resumeTagRules(library));
  }, { signal: ended.signal });
  return task;
}

/** Goes on with what a program that ended too early left; null when there is nothing to do. */
export function resumeTagRules(library: Library): Task | null {
  return readTagRuleJobs(library.core.reader).length === 0 ? null : startTagRules(library);
}

/** Starts what a rule asks of images; null when it asks nothing. */
export async function followTagRule(
  library: Library,
  jobId: number | null,
): Promise<Task | null> {
  await showChanges(library);
  return jobId === null ? null : startTagRules(library);
}
