import { fileURLToPath } from "node:url";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));

/** How a run of the program ended. */
export type Ended = { code: number; stdout: string; stderr: string };

/** A command line of the program as `deno task` runs it, with its set of permissions. */
export function mainCommand(
  args: readonly string[],
  options: { env?: Record<string, string>; stdout?: "piped" | "null"; permissions?: string } = {},
): Deno.Command {
  const stdout = options.stdout ?? "piped";
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--config",
      `${PROJECT}deno.json`,
      options.permissions ?? (args[0] === "serve" ? "-P=serve" : "-P=manage"),
      `${PROJECT}main.ts`,
      ...args,
    ],
    cwd: PROJECT,
    env: { NO_COLOR: "1", ...options.env },
    stdin: "null",
    stdout,
    stderr: stdout,
  });
}

/** Runs the program to its end. */
export async function runMain(
  args: readonly string[],
  options: { env?: Record<string, string>; permissions?: string } = {},
): Promise<Ended> {
  const { code, stdout, stderr } = await mainCommand(args, options).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}
