import { assertEquals } from "@std/assert";

const ROOT = new URL("../", import.meta.url);

async function filesBelow(folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(new URL(folder, ROOT))) {
    const path = `${folder}${entry.name}`;
    if (entry.isDirectory) files.push(...await filesBelow(`${path}/`));
    else files.push(path);
  }
  return files;
}

/** Lines of the tree that stand for several files. */
const GROUPS = [/^src\/http\/pages\/.*\.tsx?$/, /^src\/http\/assets\//, /^src\/deps\/_.*\.ts$/];

Deno.test("ARCHITECTURE.md names every source file, and no other", async () => {
  const text = await Deno.readTextFile(new URL("ARCHITECTURE.md", ROOT));
  const named = [...text.matchAll(/^((?:src|workers)\/\S+|main\.ts)\s{2,}\S/gm)].map(([, path]) =>
    path
  )
    .filter((path) => !path.includes("*"));
  const files = ["main.ts", ...await filesBelow("src/"), ...await filesBelow("workers/")]
    .filter((path) => !GROUPS.some((group) => group.test(path)));
  assertEquals(named.toSorted(), files.toSorted());
});

Deno.test("README.md names only tasks and files that exist", async () => {
  const text = await Deno.readTextFile(new URL("README.md", ROOT));
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const used = [...text.matchAll(/(?:deno|deno@[\d.]+) task ([a-z:]+)/g)].map(([, name]) => name);
  assertEquals(used.filter((name) => tasks[name] === undefined), []);
  const links = [...text.matchAll(/\]\((?!https?:)([^)]+)\)/g)].map(([, path]) => path);
  for (const link of links) await Deno.stat(new URL(link, ROOT));
});

Deno.test("decisions are numbered without a gap", async () => {
  const files = (await filesBelow("docs/decisions/")).toSorted();
  const numbers = files.map((path) => Number(path.replace(/^.*\/(\d+)-.*$/, "$1")));
  assertEquals(numbers, numbers.map((_, i) => i + 1));
});
