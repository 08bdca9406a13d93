import { extname } from "node:path";
import { commandLine, quoteArgument } from "../base/command_line.ts";
import { AppError } from "../base/errors.ts";
import { fileErrorCode, toFileError } from "../media/file_error.ts";
import { mediaTypeOfExt } from "../media/sniff.ts";
import { exists, findLibraryPaths } from "./library_paths.ts";

/**
 * Refuses to make a new library in somebody's folder of pictures: none of them would be shown, and the
 * library's folders would lie between them.
 *
 * @throws {AppError} `conflict`, with how to show them.
 */
export async function refusePictureFolder(folder: string): Promise<void> {
  const { data } = await findLibraryPaths(folder);
  if (await exists(data) || !(await hasPictures(folder))) return;
  const named = quoteArgument(folder);
  throw new AppError("conflict", `There is no library in ${folder}, but pictures are`, {
    remedy: `To show them from where they are: ${commandLine(`import --in-place ${named}`)}, and ` +
      `then ${commandLine("serve")} without --library. For a new library name an empty folder`,
  });
}

/** Whether a picture or film lies in a folder itself, by its name. */
async function hasPictures(folder: string): Promise<boolean> {
  try {
    for await (const { name, isFile } of Deno.readDir(folder)) {
      if (isFile && !name.startsWith(".") && mediaTypeOfExt(extname(name))) return true;
    }
    return false;
  } catch (error) {
    // What is wrong with the folder itself is said by who opens it.
    if (["ENOENT", "ENOTDIR", "EACCES"].includes(fileErrorCode(error))) return false;
    throw toFileError("read", folder, error);
  }
}
