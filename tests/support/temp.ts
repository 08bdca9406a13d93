/** Runs `test` with a new folder and removes the folder afterwards, whatever happens. */
export async function withTempDir<T>(test: (dir: string) => T | Promise<T>): Promise<T> {
  const dir = await Deno.makeTempDir({ prefix: "chibibooru_test_" });
  try {
    return await test(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Every file below a folder with its bytes as hex, to see that nothing was written. */
export async function readFolder(dir: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const entry of Deno.readDir(dir)) {
    const path = `${dir}/${entry.name}`;
    if (entry.isDirectory) Object.assign(files, await readFolder(path));
    else files[path] = (await Deno.readFile(path)).toHex();
  }
  return files;
}
