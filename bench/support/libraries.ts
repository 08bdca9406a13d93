import { generateLibrary } from "./library_generator.ts";

const FOLDER = new URL("../../.bench/", import.meta.url);

/** Path of a file of the benches' own folder, which is made when it is missing. */
export async function benchFile(name: string): Promise<string> {
  await Deno.mkdir(FOLDER, { recursive: true });
  return new URL(name, FOLDER).pathname;
}

/** Path of a file that `make` writes if it is not there; a half-written one is never found. */
export async function provideFile(
  path: string,
  make: (path: string) => void | Promise<void>,
): Promise<string> {
  try {
    await Deno.stat(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    const temporary = `${path}.new`;
    await Deno.remove(temporary).catch(() => {});
    await make(temporary);
    await Deno.rename(temporary, path);
  }
  return path;
}

/** Path of a generated library; made when it is missing (1M images: two minutes, 4 GB). */
export async function provideLibrary(images: number): Promise<string> {
  return await provideFile(await benchFile(`library-${images}.db`), (path) => {
    console.error(`Generating ${images} images…`);
    generateLibrary(path, { images });
  });
}

/** Reads the file once: the page cache is warm, so that the disk of this machine is not measured. */
export async function warm(path: string): Promise<void> {
  using file = await Deno.open(path);
  const chunk = new Uint8Array(1 << 22);
  while (await file.read(chunk) !== null);
}
