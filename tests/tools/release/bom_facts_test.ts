import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DENO_VERSION, findOwnTarget } from "../../../tools/package/targets.ts";
import { type Bom, buildBom } from "../../../tools/release/bom.ts";
import { readBomFacts } from "../../../tools/release/bom_facts.ts";
import { findBomFaults } from "../../../tools/release/bom_schema.ts";
import { withTempDir } from "../../support/temp.ts";

const PROJECT = fileURLToPath(new URL("../../../", import.meta.url));
const TARGET = findOwnTarget()!;

/** Puts an archive as npm makes them into a folder. */
async function writeArchive(downloads: string, name: string, manifest: object): Promise<void> {
  const folder = join(downloads, "unpacked/package");
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(join(folder, "package.json"), JSON.stringify(manifest));
  const archive = join(downloads, `${name.replace("/", "+")}-${DENO_VERSION}.tgz`);
  const { success } = await new Deno.Command("tar", {
    args: ["-czf", archive, "-C", join(downloads, "unpacked"), "package"],
  }).output();
  assert(success);
}

async function buildOwnBom(downloads: string): Promise<Bom> {
  const [revision, time] = ["0123", new Date(1_795_408_404_000)];
  const facts = await readBomFacts(PROJECT, { targets: [TARGET], revision, time, downloads });
  return buildBom(facts);
}

Deno.test("readBomFacts() of this project fits the schema, twice with the same bytes", async () => {
  await withTempDir(async (dir) => {
    await writeArchive(dir, TARGET.denoPackage, { license: "MIT" });
    const bom = await buildOwnBom(dir);
    assertEquals(await findBomFaults(bom), []);
    assertEquals(JSON.stringify(await buildOwnBom(dir)), JSON.stringify(bom));

    const lock = JSON.parse(await Deno.readTextFile(join(PROJECT, "deno.lock")));
    const locked = new Set(
      Object.keys(lock.npm).map((key) => `pkg:npm/${key.replace(/_.*$/, "").replace(/^@/, "%40")}`),
    );
    const runtime = bom.components.filter(({ type }) => type === "platform");
    assertEquals(runtime.map(({ name, version }) => [name, version]), [
      [TARGET.denoPackage.split("/")[1], DENO_VERSION],
    ]);
    assert(runtime[0].hashes !== undefined && runtime[0].licenses !== undefined);
    const libraries = bom.components.filter(({ type }) => type === "library");
    assertEquals(new Set(libraries.map(({ purl }) => purl)), locked, "every package of the lock");
    assertEquals(libraries.filter(({ hashes }) => hashes === undefined), []);

    const required = libraries.filter(({ scope }) => scope === "required");
    assertEquals(required.filter(({ licenses }) => licenses === undefined), []);
    const libvips = required.filter(({ components }) => components !== undefined);
    assertEquals(libvips.length, 1);
    const parts = libvips[0].components!.map(({ name }) => name);
    for (const name of ["vips", "webp", "png"]) assert(parts.includes(name), parts.join());

    const refs = bom.components.flatMap((each) => [each, ...each.components ?? []])
      .map((each) => each["bom-ref"]);
    assertEquals(refs.length, new Set(refs).size, "references are unique");
    const known = new Set([...refs, bom.metadata.component["bom-ref"]]);
    const unknown = bom.dependencies.flatMap(({ ref, dependsOn }) => [ref, ...dependsOn])
      .filter((ref) => !known.has(ref));
    assertEquals(unknown, []);
  });
});

Deno.test("readBomFacts() takes the digest of an archive where none is written down", async () => {
  await withTempDir(async (dir) => {
    await writeArchive(dir, TARGET.denoPackage, { license: { type: "ISC" } });
    const target = { ...TARGET, denoIntegrity: null };
    const time = new Date(0);
    const release = { targets: [target], revision: "0", time, downloads: dir };
    const { packages } = await readBomFacts(PROJECT, release);
    const runtime = packages.find(({ type }) => type === "platform")!;
    const archive = await Deno.readFile(
      join(dir, `${TARGET.denoPackage.replace("/", "+")}-${DENO_VERSION}.tgz`),
    );
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-512", archive));
    assertEquals(runtime.integrity, `sha512-${digest.toBase64()}`);
    assertEquals(runtime.license, "ISC");
  });
});

Deno.test("readBomFacts() fails when a package that ships is not here to be looked at", async () => {
  await withTempDir(async (dir) => {
    const error = await assertRejects(() => buildOwnBom(dir), Error);
    assertStringIncludes(error.message, `${TARGET.denoPackage}@${DENO_VERSION} is not here`);
  });
});
