import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { until } from "../http/support.ts";
import { runMain } from "../support/run_main.ts";
import { writePicture } from "../support/sample_library.ts";
import { withTempDir } from "../support/temp.ts";
import { fullTierTest } from "../support/tier.ts";
import { startProcess } from "./server_support.ts";

/** What a terminal obeys, but for the ends of lines. */
// deno-lint-ignore no-control-regex -- control characters are what must not be there
const CONTROLS = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

fullTierTest("no command prints what a file name could do to a terminal", async () => {
  await withTempDir(async (temp) => {
    const dir = await Deno.realPath(temp);
    const hostile = "\x1b[2J\n  added  999\r\x9b31m\u202e";
    const [library, source, to] = ["library", "source", "to"].map((name) =>
      join(dir, name + hostile)
    );
    await Deno.mkdir(to);
    await writePicture(join(source, `good${hostile}.png`), 1, { ".json": "{ no json" });
    await Deno.writeTextFile(join(source, `bad${hostile}.png`), "no picture");
    await Deno.writeFile(join(source, `torn${hostile}.png`), new Uint8Array([0x89, 0x50, 0x4e]));
    const commands: [code: number, lines: number, args: string[]][] = [
      [0, 10, ["import", source]],
      [0, 0, ["import", source, "--json"]],
      [0, 0, ["import", source, "--in-place", "--json"]],
      [2, 2, ["import", join(source, "nothing")]],
      [0, 3, ["backup"]],
      [0, 0, ["backup", "--json", "--to", to]],
      [2, 2, ["backup", "--to", `${to}/nothing`]],
      [0, 1, ["restore", "list"]],
      [2, 2, ["restore", `${to}/nothing`, "--yes"]],
      [0, 0, ["restore", "list", "--json"]],
    ];
    for (const [code, lines, args] of commands) {
      const ended = await runMain([...args, "--library", library]);
      const said = ended.stdout + ended.stderr;
      assertEquals(ended.code, code, said);
      assert(!CONTROLS.test(said), JSON.stringify(said));
      if (args.includes("--json")) JSON.parse(ended.stdout);
      else assertEquals(said.trimEnd().split("\n").length, lines, said);
    }
  });
});

fullTierTest("serve names its page where a folder asks, watch the command", async () => {
  await withTempDir(async (temp) => {
    const dir = await Deno.realPath(temp);
    const [library, source] = [join(dir, "library"), join(dir, "pics")];
    for (let i = 0; i < 20; i++) await writePicture(join(source, `${i}.png`), i);
    await runMain(["import", source, "--in-place", "--library", library]);
    for (let i = 0; i < 15; i++) await Deno.remove(join(source, `${i}.png`));
    const asked = await runMain(["watch", "--once", "--library", library]);
    assertEquals(asked.code, 1);
    assertStringIncludes(asked.stdout, "confirm it: deno task watch --accept-missing @pics\n");
    await using server = await startProcess(library, ["--port", "0", "--watch"]);
    const locked = await runMain(["watch", "--accept-missing", "@pics", "--library", library]);
    assertEquals(locked.code, 2);
    assertStringIncludes(locked.stderr, "in use by serve --watch");
    type Root = { name: string; state: string; message: string };
    const root = await until("it asks", async () => {
      const { roots }: { roots: Root[] } = await server.json("/api/watch");
      return roots.find(({ name, state }) => name === "@pics" && state === "asks");
    }, 20_000);
    assertStringIncludes(root.message, `on the server's page /library: "They are gone for good"`);
    await until("it is logged", () => server.output().includes("page /library") || undefined);
    assert(!server.output().includes("--accept-missing"), server.output());
    const page = await (await fetch(`${server.origin}/library`)).text();
    assertStringIncludes(page, ">They are gone for good</summary>");
  });
});

fullTierTest(
  "serve --watch tells what it took and what it refused; an empty library, how to add",
  async () => {
    await withTempDir(async (temp) => {
      const library = join(await Deno.realPath(temp), "library");
      await using server = await startProcess(library, ["--port", "0", "--watch"]);
      await until("it is loaded", () => server.output().includes("Loaded 0 images"), 20_000);
      await until(
        "it says how to add",
        () => server.output().includes("Add pictures and films with: npx --yes deno@"),
      );
      await writePicture(join(library, "ingest/one.png"), 1);
      await Deno.writeTextFile(join(library, "ingest/no picture.png"), "text");
      await until("it was taken", () => server.output().includes("\ningest: 1 added"), 20_000);
      await until(
        "it was refused",
        () => /\nskipped .*no picture\.png: \S/.test(server.output()),
        20_000,
      );
    });
  },
);
