/**
 * Demands a docstring on every export: `deno doc --lint` over all of src but src/http, where types of
 * packages would be named as missing; a test looks at the docstrings there.
 */
const FOLDERS = [
  "base",
  "tags",
  "cache",
  "query",
  "store",
  "media",
  "worker",
  "library",
  "system",
  "deps",
  "cli",
];

const root = new URL("../", import.meta.url);
const files: string[] = ["src/core.ts", "src/config.ts"];
for (const folder of FOLDERS) {
  for (const entry of Deno.readDirSync(new URL(`src/${folder}/`, root))) {
    if (entry.name.endsWith(".ts")) files.push(`src/${folder}/${entry.name}`);
  }
}
const { code, stderr, stdout } = await new Deno.Command(Deno.execPath(), {
  args: ["doc", "--lint", ...files],
  cwd: root,
}).output();
if (code !== 0) {
  await Deno.stdout.write(stdout.slice(0, 20_000));
  await Deno.stderr.write(stderr.slice(0, 20_000));
}
Deno.exit(code);
