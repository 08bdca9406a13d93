import cliProgress from "cli-progress";

/** What a bar shows now: how much of how much, and what else its format names. */
export type BarState = { done: number; total: number; fields?: Record<string, string> };

/** A bar that follows somebody's progress; stopped, it is gone, or stays as it is if it is to remain. */
export type ProgressBar<P> = { show: (progress: P) => void; stop: () => void };

/**
 * Starts a bar on standard error, where that is a terminal; else, or when it is to be quiet, one that shows
 * nothing.
 */
export function startProgressBar<P>(
  options: {
    format: string;
    isQuiet: boolean;
    fields?: Record<string, string>;
    remains?: boolean;
  },
  toState: (progress: P) => BarState,
): ProgressBar<P> {
  if (options.isQuiet || !Deno.stderr.isTerminal()) return { show: () => {}, stop: () => {} };
  const bar = new cliProgress.SingleBar(
    { format: options.format, hideCursor: true, clearOnComplete: options.remains !== true },
    cliProgress.Presets.shades_classic,
  );
  bar.start(0, 0, options.fields);
  return {
    show: (progress) => {
      const { done, total, fields } = toState(progress);
      bar.setTotal(total);
      bar.update(done, fields);
    },
    stop: () => bar.stop(),
  };
}
