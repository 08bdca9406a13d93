import { AppError } from "./src/base/errors.ts";
import { COMMANDS } from "./src/cli/commands.ts";
import { describeError } from "./src/cli/describe_error.ts";
import { runHelp } from "./src/cli/help.ts";
import { findUserFolder } from "./src/cli/user_folder.ts";

async function main(): Promise<number> {
  const [first = "serve", ...rest] = Deno.args;
  // Options without a command are those of the most used one.
  const isOption = first.startsWith("-");
  const wantsHelp = first === "help" ||
    ["--help", "-h", "--version"].some((flag) => Deno.args.includes(flag));
  const env = (variable: string) => Deno.env.get(variable);
  const around = {
    args: wantsHelp || isOption ? Deno.args : rest,
    env,
    folder: findUserFolder(env),
  };
  if (wantsHelp) return await runHelp(around);
  const name = isOption ? "serve" : first;
  if (!Object.hasOwn(COMMANDS, name)) {
    throw new AppError("bad_request", `There is no command "${name}"`, {
      remedy: `Use one of: ${Object.keys(COMMANDS).join(", ")}, help`,
    });
  }
  const run = await COMMANDS[name].load();
  return await run(around);
}

if (import.meta.main) {
  try {
    Deno.exit(await main());
  } catch (error) {
    console.error(describeError(error));
    Deno.exit(2);
  }
}
