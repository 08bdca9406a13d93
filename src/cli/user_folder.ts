import { AppError } from "../base/errors.ts";
import { PROGRAM_FORM, type ProgramForm } from "../base/command_line.ts";

/**
 * Folder against which a user's relative paths resolve. `deno task` goes to the project's folder, and the
 * packaged file to where it unpacked itself; both say in INIT_CWD where the user is. A compiled binary stays
 * there: INIT_CWD would be what some other program's task left behind, and the binary may not even read it.
 * Throws when the folder's name is no text, since no path below it could be named.
 */
export function findUserFolder(
  env: (name: string) => string | undefined,
  form: ProgramForm = PROGRAM_FORM,
): string {
  try {
    const named = form === "binary" ? undefined : env("INIT_CWD");
    return named ?? Deno.cwd();
  } catch (error) {
    if (!(error instanceof Deno.errors.InvalidData)) throw error;
    throw new AppError("bad_request", "The name of the folder that you are in is not UTF-8", {
      remedy: "Go to another one, or give the folder another name",
      cause: error,
    });
  }
}
