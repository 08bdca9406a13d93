import { commandLine } from "../base/command_line.ts";
import { AppError } from "../base/errors.ts";
import type { Surroundings } from "../config.ts";
import { runTagsAliases } from "./tags_aliases.ts";
import { runTagsImplications } from "./tags_implications.ts";
import { runTagsImport } from "./tags_import.ts";

/** Commands below `tags`. */
const COMMANDS: Record<string, (around: Surroundings) => Promise<number>> = {
  import: runTagsImport,
  implications: runTagsImplications,
  aliases: runTagsAliases,
};

/** Runs `tags import …` and whatever else stands behind `tags`. */
export async function runTags(around: Surroundings): Promise<number> {
  const args = around.args.slice(around.args[0] === "--" ? 1 : 0);
  const [name, ...rest] = args;
  if (name === undefined || !Object.hasOwn(COMMANDS, name)) {
    const what = name === undefined ? "tags needs a command" : `There is no command "tags ${name}"`;
    const known = Object.keys(COMMANDS).map((each) => commandLine(`tags ${each}`)).join(", ");
    throw new AppError("bad_request", what, { remedy: `Use one of: ${known}` });
  }
  return await COMMANDS[name]({ ...around, args: rest });
}
