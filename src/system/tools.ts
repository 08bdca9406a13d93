/** What a program of the system answered; null: it is not there, may not be run, failed or took too long. */
export type RunTool = (name: string, args: readonly string[]) => Promise<string | null>;

/** How {@link runTool} runs. */
export type ToolOptions = {
  /** Time after which nobody waits any more. */
  timeoutMs: number;
};

/** How long a program that was ended may take to be gone. */
const END_MS = 250;
/** Text that is looked at: what is longer than this is no answer to a question. */
const OUTPUT_LENGTH_MAX = 1_000_000;

/**
 * Runs a program of the system without a shell, and gives what it printed. Never throws and hardly takes
 * longer than its time: a program that cannot be ended is left behind.
 */
export async function runTool(
  name: string,
  args: readonly string[],
  options: ToolOptions,
): Promise<string | null> {
  const late = Promise.withResolvers<null>();
  let child: Deno.ChildProcess | undefined;
  let timer = setTimeout(() => {
    endNow(child);
    timer = setTimeout(() => late.resolve(null), END_MS);
  }, options.timeoutMs);
  try {
    const command = new Deno.Command(name, {
      args: [...args],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    });
    child = command.spawn();
    const output = child.output();
    // Nobody may be listening any more when it fails.
    output.catch(() => null);
    const ended = await Promise.race([output, late.promise]);
    if (ended === null || !ended.success) return null;
    return new TextDecoder().decode(ended.stdout).slice(0, OUTPUT_LENGTH_MAX);
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}

function endNow(child: Deno.ChildProcess | undefined): void {
  try {
    child?.kill("SIGKILL");
    child?.unref();
  } catch {
    // It has ended by itself.
  }
}
