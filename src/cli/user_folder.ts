import { PROGRAM_FORM, type ProgramForm } from "../base/command_line.ts";

/**
 * Folder against which a user's relative paths resolve. `deno task` goes to the project's folder, and the
 * packaged file to where it unpacked itself; both say in INIT_CWD where the user is. A compiled binary stays
 * there: INIT_CWD would be what some other program's task left behind, and the binary may not even read it.
 */
export function findUserFolder(
  env: (name: string) => string | undefined,
  form: ProgramForm = PROGRAM_FORM,
): string {
  const named = form === "binary" ? undefined : env("INIT_CWD");
  return named ?? Deno.cwd();
}
