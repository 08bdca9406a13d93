/** How a run of Deno ended, with all that it wrote, without colours. */
export type DenoRun = { success: boolean; stdout: string; output: string };

/** Runs this very Deno to its end, out of sight. */
export async function runDeno(args: readonly string[], cwd: string): Promise<DenoRun> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { success, stdout: out, output: `${err}${out}` };
}
