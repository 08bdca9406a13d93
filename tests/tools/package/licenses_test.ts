import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { dirname, join } from "node:path";
import { BuildError } from "../../../tools/package/build_error.ts";
import { writeLicenses } from "../../../tools/package/licenses.ts";
import { withTempDir } from "../../support/temp.ts";

const HONO = "node_modules/.deno/hono@1.0.0/node_modules/hono";
const SCOPED = "node_modules/.deno/@a+b@2.0.0/node_modules/@a/b";

/** A project with two packages in its bundle, and one that is carried as it is. */
async function makeProject(dir: string): Promise<{ project: string; app: string }> {
  const files = {
    [`project/${HONO}/package.json`]: '{"name":"hono","version":"1.0.0","license":"MIT"}',
    [`project/${HONO}/LICENSE`]: "terms of hono",
    [`project/${SCOPED}/package.json`]:
      '{"name":"@a/b","version":"2.0.0","license":"ISC","author":{"name":"Ann"}}',
    [`project/${SCOPED}/licence.md`]: "terms of b",
    [`project/${SCOPED}/NOTICE`]: "and a notice",
    "app/main.js": `// ${HONO}/dist/index.js\n1;\n// ${HONO}/dist/more.js\n`,
    "app/workers/media.js": `// ${SCOPED}/index.js\n`,
    "app/node_modules/@img/sharp-x/package.json":
      '{"name":"@img/sharp-x","version":"3.0.0","license":"LGPL"}',
    "app/node_modules/@img/sharp-x/README.md": "a table",
    "app/node_modules/@img/sharp-x/lib/package.json": "not of a package",
    "app/node_modules/@img/sharp-x/lib/x.js": "// node_modules/.deno/no/node_modules/no/\n",
  };
  for (const [path, content] of Object.entries(files)) {
    await Deno.mkdir(join(dir, dirname(path)), { recursive: true });
    await Deno.writeTextFile(join(dir, path), content);
  }
  return { project: join(dir, "project"), app: join(dir, "app") };
}

Deno.test("writeLicenses() has the terms of Deno, and of each package once", () =>
  withTempDir(async (dir) => {
    const { project, app } = await makeProject(dir);
    await writeLicenses(project, app);
    const text = await Deno.readTextFile(join(app, "THIRD_PARTY_LICENSES.txt"));
    const headings = [...text.matchAll(/={80}\n(.*)\n/g)].map(([, heading]) => heading);
    assertEquals(headings.slice(1, -1), [
      "@a/b 2.0.0 (ISC), by Ann",
      "hono 1.0.0 (MIT)",
      "@img/sharp-x 3.0.0 (LGPL)",
    ]);
    assert(headings[0].startsWith("Deno, ") && headings.at(-1)!.includes("libvips"));
    for (
      const each of [
        "the Deno authors",
        "terms of hono",
        "and a notice\n\nterms of b",
        "a table",
        "GNU LESSER GENERAL",
        "GNU GENERAL PUBLIC",
      ]
    ) assertStringIncludes(text, each);
  }));

Deno.test("writeLicenses() demands a licence for each package, and that the bundle names them", () =>
  withTempDir(async (dir) => {
    const { project, app } = await makeProject(dir);
    await Deno.remove(join(project, HONO, "LICENSE"));
    await assertRejects(() => writeLicenses(project, app), BuildError, "hono has no licence");
    await Deno.writeTextFile(join(app, "main.js"), "minified");
    await Deno.writeTextFile(join(app, "workers/media.js"), "minified");
    await assertRejects(() => writeLicenses(project, app), BuildError, "does not say which");
  }));
