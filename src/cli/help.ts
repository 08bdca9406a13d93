import { commandLine, PROGRAM_FORM } from "../base/command_line.ts";
import type { Surroundings } from "../config.ts";
import { VERSION } from "../version.ts";
import { type Command, COMMANDS } from "./commands.ts";

/** Only the packaged file unpacks itself. */
const UNPACKED = PROGRAM_FORM === "package"
  ? ";\nCHIBIBOORU_CACHE, the folder that the program unpacks itself to (else ~/.cache/chibibooru)"
  : "";
const EPILOGUE =
  `Without a command it serves. Every command takes --library DIR (default ./library) and --log-level
LEVEL.
Environment: CHIBIBOORU_LIBRARY, CHIBIBOORU_HOST, CHIBIBOORU_PORT, CHIBIBOORU_PUBLIC_URL, LOG_LEVEL,
CHIBIBOORU_LOG_FILE;
CHIBIBOORU_API_KEY, the password of clients of the Danbooru API (any login; without it they need none);
CHIBIBOORU_ADMIN_SECRET, which programs must send to /metrics and to destroy much by the API${UNPACKED}.
Exit codes: 0 done, 1 something failed or was found wrong, 2 could not start or go on.`;

/** Prints how to use the program, or the command that is named first, or the version. */
export function runHelp(around: Surroundings): Promise<number> {
  console.log(around.args.includes("--version") ? VERSION : describe(around.args));
  return Promise.resolve(0);
}

function describe(args: readonly string[]): string {
  const name = args[0] === "help" ? args[1] : args[0];
  if (name !== undefined && Object.hasOwn(COMMANDS, name)) {
    return [describeCommand(COMMANDS[name]), EPILOGUE].join("\n\n");
  }
  const commands = Object.values(COMMANDS).map(describeCommand);
  const title = `ChibiBooru ${VERSION}: your tagged pictures and videos, searchable in an instant.`;
  return [title, ...commands, EPILOGUE].join("\n\n");
}

function describeCommand({ help }: Command): string {
  const [usage, ...lines] = help.split("\n");
  return [`  ${commandLine(usage)}`, ...lines.map((line) => `      ${line}`)].join("\n");
}
