import { BuildError } from "./build_error.ts";

/**
 * Runs a program to its end and gives what it wrote. Throws BuildError with all that it wrote when it fails, or
 * with a remedy when it is not there.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; debianPackage?: string } = {},
): Promise<string> {
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command(program, {
      args: [...args],
      cwd: options.cwd,
      env: options.env,
      stdin: "null",
    }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    const remedy = `Install it: apt-get install ${options.debianPackage ?? program}`;
    throw new BuildError(`${program} is not there`, remedy);
  }
  const [stdout, stderr] = [output.stdout, output.stderr].map((bytes) =>
    new TextDecoder().decode(bytes)
  );
  if (output.success) return stdout;
  throw new BuildError(`${program} failed with code ${output.code}:\n${stderr}${stdout}`);
}
