/** Longest name of an in-place root that is made from a folder's name; a number may follow. */
const NAME_LENGTH_MAX = 40;

/** Makes a name for an in-place root from the name of its folder: letters, digits, `.`, `_`, `-`. */
export function makeRootName(folderName: string): string {
  const name = folderName.normalize("NFC").replace(/[^\p{L}\p{N}._-]+/gu, "_").replace(
    /^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu,
    "",
  );
  return [...name].slice(0, NAME_LENGTH_MAX).join("").replace(/[^\p{L}\p{N}]+$/u, "") || "folder";
}
