/** What runs: TypeScript sources, a bundle out of the packaged file, or a compiled binary. */
export type ProgramForm = "sources" | "package" | "binary";

/** Which form a program has whose module of this kind is at `url`. */
export function findProgramForm({ url, isStandalone }: {
  url: string;
  isStandalone: boolean;
}): ProgramForm {
  if (isStandalone) return "binary";
  return new URL(url).pathname.endsWith(".js") ? "package" : "sources";
}

/** The form of this program. It is the same in workers, and asks for no permission. */
export const PROGRAM_FORM: ProgramForm = findProgramForm({
  url: import.meta.url,
  isStandalone: Deno.build.standalone,
});

/**
 * How a person starts this program, where it is a file of its own: as the launcher of the packaged file says it
 * was started, and `chibibooru` otherwise.
 */
export const PROGRAM_NAME: string = readProgramName();

function readProgramName(): string {
  const variable = "CHIBIBOORU_PROGRAM";
  const isTold = PROGRAM_FORM === "package" &&
    Deno.permissions.querySync({ name: "env", variable }).state === "granted";
  return quoteArgument((isTold ? readText(variable) : undefined) || "chibibooru");
}

/** Undefined also where the bytes are no text, as names of files may be. */
function readText(variable: string): string | undefined {
  try {
    return Deno.env.get(variable);
  } catch (error) {
    if (error instanceof Deno.errors.InvalidData) return undefined;
    throw error;
  }
}

/**
 * A command of this program as a person can type it.
 *
 * @example Usage
 * ```ts
 * import { commandLine } from "./command_line.ts";
 *
 * console.log(commandLine("restore latest")); // deno task restore latest
 * ```
 */
export function commandLine(command: string, form: ProgramForm = PROGRAM_FORM): string {
  return `${form === "sources" ? "deno task" : PROGRAM_NAME} ${command}`;
}

/** A name or path as one word of a command line. */
export function quoteArgument(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * A command for somebody who may have started the program by what the README begins with, without Deno
 * installed.
 */
export function firstCommandLine(command: string, form: ProgramForm = PROGRAM_FORM): string {
  return form === "sources" ? `npx --yes deno@2.9.6 task ${command}` : commandLine(command, form);
}

/** What brings back the parts of the program that come as packages, when one of them is broken. */
export function describeReinstall(form: ProgramForm = PROGRAM_FORM): string {
  if (form === "sources") return "Install the packages again: deno install";
  if (form === "binary") return "Download the program again: its file is damaged";
  return "Remove the folder that the program was unpacked to ($CHIBIBOORU_CACHE, else " +
    "~/.cache/chibibooru), and start again; if that does not help, download the file again";
}
