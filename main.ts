import { AppError } from "./src/base/errors.ts";
import { describeError } from "./src/cli/describe_error.ts";
import { runHelp } from "./src/cli/help.ts";
import { runImport } from "./src/cli/import.ts";
import { runServe } from "./src/cli/serve.ts";
import type { Surroundings } from "./src/config.ts";

/** Command → what runs it; each gives the exit code. */
const COMMANDS: Record<string, (around: Surroundings) => Promise<number>> = {
  serve: runServe,
  import: runImport,
  help: runHelp,
};

async function main(): Promise<number> {
  const [first = "serve", ...rest] = Deno.args;
  // Options without a command are those of the most used one.
  const isOption = first.startsWith("-");
  const wantsHelp = ["--help", "-h", "--version"].some((flag) => Deno.args.includes(flag));
  const name = wantsHelp ? "help" : isOption ? "serve" : first;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    throw new AppError("bad_request", `There is no command "${name}"`, {
      remedy: `Use one of: ${Object.keys(COMMANDS).join(", ")}`,
    });
  }
  return await command({
    args: wantsHelp || isOption ? Deno.args : rest,
    env: (variable) => Deno.env.get(variable),
    folder: Deno.env.get("INIT_CWD") ?? Deno.cwd(),
  });
}

if (import.meta.main) {
  try {
    Deno.exit(await main());
  } catch (error) {
    console.error(describeError(error));
    Deno.exit(2);
  }
}
