import { assertEquals, assertRejects } from "@std/assert";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { BuildError } from "../../../tools/package/build_error.ts";
import { unpackNpmPackage } from "../../../tools/package/npm_package.ts";
import { withTempDir } from "../../support/temp.ts";

/** An archive as the registry has it: everything below `package/`. */
async function makeArchive(dir: string, content: string): Promise<Uint8Array<ArrayBuffer>> {
  await Deno.mkdir(join(dir, "made/package"), { recursive: true });
  await Deno.writeTextFile(join(dir, "made/package/index.js"), content);
  const { stdout } = await new Deno.Command("tar", {
    args: ["-czf", "-", "-C", join(dir, "made"), "package"],
  }).output();
  return stdout;
}

function digestOf(bytes: Uint8Array): string {
  return `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
}

/** A registry with one package, whose answers can be changed; says what it was asked for. */
async function withRegistry(
  test: (registry: {
    url: string;
    asked: string[];
    answer: { archive: Uint8Array<ArrayBuffer>; integrity: string };
  }) => Promise<void>,
  archive: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const answer = { archive, integrity: digestOf(archive) };
  const asked: string[] = [];
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request) => {
      const { pathname } = new URL(request.url);
      asked.push(pathname);
      if (pathname === "/npm/@a/thing/-/thing-1.2.3.tgz") return new Response(answer.archive);
      if (pathname === "/npm/@a/thing/1.2.3") {
        return Response.json({ dist: { integrity: answer.integrity } });
      }
      return new Response(null, { status: 404 });
    },
  );
  await test({ url: `http://127.0.0.1:${server.addr.port}/npm`, asked, answer });
}

Deno.test("unpackNpmPackage() unpacks what has the right digest, and fetches it once", () =>
  withTempDir(async (dir) => {
    const archive = await makeArchive(dir, "good");
    await withRegistry(async ({ url, asked }) => {
      const thing = { name: "@a/thing", version: "1.2.3", integrity: digestOf(archive) };
      for (const folder of ["one", "two"].map((name) => join(dir, name))) {
        const downloads = join(dir, "downloads");
        await unpackNpmPackage(thing, { folder, downloads, registry: url });
        assertEquals(await Deno.readTextFile(join(folder, "index.js")), "good");
      }
      assertEquals(asked, ["/npm/@a/thing/-/thing-1.2.3.tgz"]);
      // A kept archive that was damaged is fetched anew.
      await Deno.truncate(join(dir, "downloads/@a+thing-1.2.3.tgz"), 20);
      const options = {
        folder: join(dir, "three"),
        downloads: join(dir, "downloads"),
        registry: url,
      };
      await unpackNpmPackage(thing, options);
      assertEquals(asked.length, 2);
    }, archive);
  }));

Deno.test("unpackNpmPackage() refuses other bytes than those of the digest, and keeps none", () =>
  withTempDir(async (dir) => {
    const archive = await makeArchive(dir, "good");
    await withRegistry(async ({ url, answer }) => {
      const options = {
        folder: join(dir, "one"),
        downloads: join(dir, "downloads"),
        registry: url,
      };
      const thing = { name: "@a/thing", version: "1.2.3", integrity: digestOf(archive) };
      answer.archive = await makeArchive(dir, "another");
      await assertRejects(
        () => unpackNpmPackage(thing, options),
        BuildError,
        "@a/thing@1.2.3 is sha",
      );
      // What the registry itself says is believed only where no digest is known.
      await assertRejects(
        () => unpackNpmPackage({ ...thing, integrity: null }, options),
        BuildError,
        "not sha512",
      );
      assertEquals(Array.from(Deno.readDirSync(options.downloads)), []);
      answer.integrity = digestOf(answer.archive);
      await unpackNpmPackage({ ...thing, integrity: null }, options);
      assertEquals(await Deno.readTextFile(join(dir, "one/index.js")), "another");
    }, archive);
  }));

Deno.test("unpackNpmPackage() names what the registry does not have", () =>
  withTempDir(async (dir) => {
    await withRegistry(async ({ url }) => {
      const options = { folder: join(dir, "one"), downloads: dir, registry: url };
      await assertRejects(
        () => unpackNpmPackage({ name: "gone", version: "1.0.0", integrity: null }, options),
        BuildError,
        "gone/1.0.0 answers 404",
      );
    }, new Uint8Array());
  }));

Deno.test("unpackNpmPackage() keeps nothing of a download that breaks off", () =>
  withTempDir(async (dir) => {
    const parts = new ReadableStream({
      start: (controller) => controller.enqueue(new Uint8Array(10)),
      pull: (controller) => controller.error(new Error("the line is cut")),
    });
    await using server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {}, onError: () => new Response() },
      () => new Response(parts),
    );
    const options = {
      folder: join(dir, "one"),
      downloads: join(dir, "downloads"),
      registry: `http://127.0.0.1:${server.addr.port}/`,
    };
    const thing = { name: "thing", version: "1.2.3", integrity: "sha512-x" };
    await assertRejects(() => unpackNpmPackage(thing, options), BuildError, "Cannot load http");
    assertEquals(Array.from(Deno.readDirSync(options.downloads)), []);
  }));

Deno.test("unpackNpmPackage() refuses a registry that does not describe its packages", () =>
  withTempDir(async (dir) => {
    await using server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      () => new Response("<html>"),
    );
    const registry = `http://127.0.0.1:${server.addr.port}/`;
    const thing = { name: "thing", version: "1.2.3", integrity: null };
    await assertRejects(
      () => unpackNpmPackage(thing, { folder: join(dir, "one"), downloads: dir, registry }),
      BuildError,
      "is no description of a package",
    );
  }));
