import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { collectNativePackages } from "../../../tools/package/native_packages.ts";
import { TARGETS } from "../../../tools/package/targets.ts";
import { parseLockFile } from "../../../tools/package/lock_packages.ts";
import { findShipped } from "../../../tools/release/shipped_packages.ts";
import { withTempDir } from "../../support/temp.ts";
import { isFullTier } from "../../support/tier.ts";

const PROJECT = fileURLToPath(new URL("../../../", import.meta.url));
const LOCK = Deno.readTextFileSync(join(PROJECT, "deno.lock"));

Deno.test("findShipped() tells what the program imports from what tests and tools do", async () => {
  const lock = parseLockFile(LOCK);
  const { required, elsewhere } = await findShipped(PROJECT, {
    lock,
    targets: [TARGETS["linux-x64"]],
  });
  const names = (keys: Iterable<string>) =>
    new Set([...keys].map((key) => lock.byKey.get(key)!.name));
  const [here, there] = [names(required), names(elsewhere)];
  // One of a command, of a worker, of what another package needs, and native ones.
  for (
    const name of ["hono", "sharp", "zod", "string-width", "@img/sharp-linux-x64", "cli-progress"]
  ) {
    assert(here.has(name), `${name} ships`);
  }
  for (
    const name of ["@img/sharp-win32-x64", "@img/sharp-linuxmusl-x64", "@img/sharp-linux-arm64"]
  ) {
    assert(there.has(name) && !here.has(name), `${name} ships elsewhere`);
  }
  const unused = [
    "playwright-core",
    "fast-check",
    "axe-core",
    "ajv",
    "@cyclonedx/cyclonedx-library",
  ];
  assertEquals(unused.filter((name) => here.has(name) || there.has(name)), []);
});

Deno.test("findShipped() ships the native packages that are packaged for each target", async () => {
  const lock = parseLockFile(LOCK);
  // The fast tier looks at two that differ most.
  const names = isFullTier ? Object.keys(TARGETS) : ["linux-x64", "windows-x64"];
  for (const target of names.map((name) => TARGETS[name])) {
    const packaged = collectNativePackages(lock, "sharp", target);
    const { required } = await findShipped(PROJECT, { lock, targets: [target] });
    const missing = packaged.map(({ name, version }) => `${name}@${version}`)
      .filter((key) => !required.has(key));
    assertEquals(missing, [], target.name);
    const native = [...required].filter((key) => key.startsWith("@img/sharp-"));
    const isPackaged = (key: string) => packaged.some(({ name }) => key.startsWith(`${name}@`));
    assertEquals(native.filter((key) => !isPackaged(key)), [], target.name);
  }
});

Deno.test("findShipped() fails when a module is missing, and tells which", async () => {
  await withTempDir(async (dir) => {
    for (const folder of ["workers", "src/cli"]) {
      await Deno.mkdir(join(dir, folder), { recursive: true });
    }
    await Deno.writeTextFile(join(dir, "deno.json"), "{}");
    await Deno.writeTextFile(join(dir, "main.ts"), `import "./gone.ts";`);
    const lock = parseLockFile(`{"version": "5"}`);
    await assertRejects(() => findShipped(dir, { lock, targets: [] }), Error, "gone.ts");
  });
});
