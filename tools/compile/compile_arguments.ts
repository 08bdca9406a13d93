/** Set of permissions in deno.json that is baked into the binary. */
export const BINARY_PERMISSIONS = "binary";

/**
 * What the module graph of main.ts does not show: commands are imported by name when they run, workers are
 * started by URL, and assets are read by URL.
 */
export const INCLUDED: readonly string[] = ["src/cli", "workers", "src/http/assets"];

/** What a binary is made from and where it goes. */
export type CompileRequest = {
  /** Path of the file to be made. */
  output: string;
  /** Triple of the system that it is for; null: this one. */
  target: string | null;
  /** Folders of npm packages that no binary can use. */
  excluded: readonly string[];
};

/**
 * Arguments of `deno` that make the binary out of the project's folder.
 *
 * - `--self-extracting`: without it a native package is unpacked alone, and sharp does not find its second
 *   library (https://github.com/denoland/deno/issues/32198, and 36626). With it the program unpacks itself
 *   once, into `.<name>/` beside the binary, or where that cannot be written into the user's data folder.
 * - `--node-modules-dir=none`, `--exclude-unused-npm`: node_modules has the native packages of this machine
 *   and what only tests use; without it those of the target are taken, and only what the program imports.
 * - `--permission-set`: allows FFI anywhere, where the tasks allow `./node_modules` alone. A path that is
 *   baked in is that of the machine on which the binary was made, and where it will unpack itself, to load
 *   sharp from there, nobody knows before.
 * - `--no-check`: the gate has checked the types. `--quiet` holds for the binary too, which would tell at every
 *   start which of the programs that it may run are not installed.
 */
export function buildCompileArguments({ output, target, excluded }: CompileRequest): string[] {
  return [
    "compile",
    "--quiet",
    "--no-check",
    "--frozen",
    "--no-prompt",
    `--permission-set=${BINARY_PERMISSIONS}`,
    "--self-extracting",
    "--node-modules-dir=none",
    "--exclude-unused-npm",
    "--app-name=chibibooru",
    ...target === null ? [] : [`--target=${target}`],
    ...INCLUDED.map((path) => `--include=${path}`),
    ...excluded.map((path) => `--exclude=${path}`),
    `--output=${output}`,
    "main.ts",
  ];
}
