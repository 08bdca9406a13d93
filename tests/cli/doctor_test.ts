import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { openLibrary } from "../../src/library/library.ts";
import { examineLibrary } from "../../src/library/examine_library.ts";
import { examineAddresses, examinePort } from "../../src/library/examine_machine.ts";
import { type Finding, toSize } from "../../src/library/findings.ts";
import { md5OfText } from "../../src/media/md5.ts";
import { openDatabase } from "../support/library_builder.ts";
import { runMain } from "../support/run_main.ts";
import { readFolder, withTempDir } from "../support/temp.ts";

/** Runs `doctor` as its task does. */
function doctor(args: string[]) {
  return runMain(["doctor", ...args], { permissions: "-P=doctor" });
}

function byName(findings: readonly Finding[]): Record<string, [verdict: string, text: string]> {
  return Object.fromEntries(findings.map(({ name, verdict, text }) => [name, [verdict, text]]));
}

/** Files below a folder with their hashes; what SQLite keeps beside a database while it is read is left out. */
async function hashFolder(dir: string): Promise<Record<string, string>> {
  const files = Object.entries(await readFolder(dir));
  return Object.fromEntries(
    files.filter(([path]) => !/-(wal|shm)$/.test(path)).map((
      [path, hex],
    ) => [path, md5OfText(hex)]),
  );
}

Deno.test("doctor looks at machine and library, and ends with what it found", () =>
  withTempDir(async (dir) => {
    const missing = join(dir, "nothing here\u001b[2J");
    const file = join(dir, "file");
    await Deno.writeTextFile(file, "x");
    const [well, bad, json, wrong] = await Promise.all([
      doctor(["--library", missing, "--port", "0"]),
      doctor(["--library", file, "--port", "0"]),
      doctor(["--library", dir, "--port", "0", "--json"]),
      doctor(["everything"]),
    ]);
    assertEquals([well.code, bad.code, json.code, wrong.code], [0, 1, 0, 2]);
    assertStringIncludes(well.stdout, "warning  folder: there is no");
    assertStringIncludes(well.stdout, "nothing here\\u001b[2J");
    assertStringIncludes(bad.stdout, "PROBLEM  folder:");
    assertStringIncludes(wrong.stderr, '"everything"');
    const report = JSON.parse(json.stdout);
    assertEquals([report.ok, report.gpu.devices.at(-1).kind], [true, "cpu"]);
    const names = report.findings.map(({ name }: Finding) => name);
    for (const name of ["runtime", "SQLite", "pictures", "films", "memory", "GPU", "port"]) {
      assert(names.includes(name), name);
    }
    assertEquals(await Array.fromAsync(Deno.readDir(dir), ({ name }) => name), ["file"]);
  }));

Deno.test("examineLibrary() tells what is in a library and who uses it, and leaves it as it is", () =>
  withTempDir(async (dir) => {
    const library = await openLibrary({
      folder: dir,
      workers: 1,
      print: () => {},
      command: "serve",
    });
    const used = byName(await examineLibrary(dir));
    assert(used["in use"][1].startsWith("by serve (process "), used["in use"][1]);
    await library.close();
    const db = openDatabase(library.paths.database);
    db.exec("INSERT INTO images (id, filepath, md5) VALUES (1, 'a.png', 'ff')");
    db.exec(
      "INSERT INTO library_roots (name, path, mode) VALUES ('gone', ?, 'in_place')",
      `${dir}/no`,
    );
    db.close();
    await Deno.mkdir(join(library.paths.trash, "x"));
    await Deno.writeTextFile(join(library.paths.trash, "x", "file"), "12345");
    const before = await hashFolder(dir);
    const found = byName(await examineLibrary(dir));
    assertEquals(await hashFolder(dir), before);
    assertEquals(found.folder, ["ok", dir]);
    assertEquals(found["in use"], ["ok", "by nobody"]);
    assert(/^1 images, .*, version 3$/.test(found.database[1]), found.database[1]);
    assertEquals(found["in place: gone"][0], "warning");
    assertEquals(found.trash, ["ok", "0 entries, 1 files, 5 bytes"]);
    assertEquals([found.permissions[0], found.disk[0], found.backups[0]], ["ok", "ok", "warning"]);
  }));

Deno.test("examineLibrary() names what is wrong with a database, and never throws", () =>
  withTempDir(async (dir) => {
    const database = join(dir, "data", "booru.db");
    await Deno.mkdir(join(dir, "data"));
    assertEquals(byName(await examineLibrary(dir)).database[0], "warning");
    await Deno.writeTextFile(
      database,
      "no database at all, but long enough to be looked at".repeat(20),
    );
    const broken = (await examineLibrary(dir)).find(({ name }) => name === "database")!;
    assertEquals(broken.verdict, "problem");
    assertStringIncludes(broken.text, database);
    assertStringIncludes(broken.remedy!, "backup");
    await Deno.writeTextFile(database, "");
    const empty = (await examineLibrary(dir)).find(({ name }) => name === "database")!;
    assertEquals([empty.verdict, empty.text.slice(0, 11)], ["warning", "it is empty"]);
    assertStringIncludes(empty.remedy!, "rebuild");
    await Deno.remove(database);
    await Deno.mkdir(database);
    assertEquals(byName(await examineLibrary(dir)).database[0], "problem");
  }));

Deno.test("examinePort() tells a free port from a server of ours and from another program", async () => {
  const ask = async (handler: Deno.ServeHandler) => {
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      handler,
    );
    return await examinePort("127.0.0.1", server.addr.port);
  };
  assertEquals((await examinePort("127.0.0.1", 0)).verdict, "ok");
  const ours = await ask(() => Response.json({ status: "ok" }));
  assert(ours.verdict === "ok" && ours.text.startsWith("a server answers"), ours.text);
  const other = await ask(() => new Response("<html>"));
  assertEquals([other.verdict, other.remedy?.includes("--port")], ["warning", true]);
});

Deno.test("examineAddresses() tells the public addresses, and warns of those without TLS", () => {
  assertEquals(examineAddresses([]).verdict, "ok");
  const safe = examineAddresses(["https://booru.example"]);
  assertEquals([safe.verdict, safe.text], ["ok", "also https://booru.example, by a proxy"]);
  const open = examineAddresses(["https://booru.example", "http://nas.lan"]);
  assertEquals([open.verdict, open.remedy?.includes("http://nas.lan")], ["warning", true]);
});

Deno.test("doctor tells a host that the server refuses, and reads the public address", () =>
  withTempDir(async (dir) => {
    const run = (env: Record<string, string>) =>
      runMain(["doctor", "--library", dir, "--port", "0", "--json"], {
        permissions: "-P=doctor",
        env,
      });
    const [open, wrong] = await Promise.all([
      run({ CHIBIBOORU_HOST: "0.0.0.0", CHIBIBOORU_PUBLIC_URL: "https://booru.example" }),
      run({ CHIBIBOORU_PUBLIC_URL: "booru.example" }),
    ]);
    assertEquals([open.code, wrong.code], [1, 2]);
    const findings = byName(JSON.parse(open.stdout).findings);
    assertEquals(findings.port[0], "problem");
    assertStringIncludes(findings.port[1], "0.0.0.0");
    assertStringIncludes(findings.address[1], "https://booru.example");
    // Its set of permissions is no wider than needed, and lets it say who runs it.
    assert(!/system does not tell/.test(findings.user[1]), findings.user[1]);
    const wide = JSON.parse(open.stdout).findings.find(({ text }: Finding) =>
      text.includes("more is allowed")
    );
    assertEquals(wide, undefined);
    assertStringIncludes(wrong.stderr, "https://NAME");
  }));

Deno.test("toSize() writes bytes as a person reads them", () => {
  const table: [number, string][] = [
    [0, "0 bytes"],
    [999, "999 bytes"],
    [1_000, "1.0 kB"],
    [123_456, "123 kB"],
    [2_500_000_000, "2.5 GB"],
    [1e18, "1000 PB"],
  ];
  for (const [bytes, text] of table) assertEquals(toSize(bytes), text);
});
