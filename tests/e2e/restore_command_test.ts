import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { openReader } from "../../src/store/database.ts";
import { dumpFile, withDatabase } from "../support/closed_library.ts";
import { openDatabase } from "../support/library_builder.ts";
import { makeRandom } from "../support/random.ts";
import { mainCommand, runMain } from "../support/run_main.ts";
import { checkDatabase } from "../support/sample_library.ts";
import { fullTierTest } from "../support/tier.ts";
import { startProcess } from "./server_support.ts";

fullTierTest(
  "backup works beside a running server, restore does not",
  () =>
    withDatabase(async (paths) => {
      const at = ["--library", paths.folder];
      await using server = await startProcess(paths.folder);
      const made = await runMain(["backup", ...at, "--json"]);
      assertEquals([made.code, made.stderr], [0, ""]);
      const { path, images, sha256 } = JSON.parse(made.stdout);
      assertEquals([images, sha256.length], [3, 64]);
      const before = dumpFile(paths.database);
      const refused = await runMain(["restore", path, "--yes", ...at]);
      assertEquals([refused.code, refused.stdout], [2, ""]);
      assertStringIncludes(refused.stderr, "the library is in use by serve (process ");
      assertEquals(dumpFile(paths.database), before);
      await server.stop("SIGTERM");
      const asked = await runMain(["restore", "latest", ...at]);
      assertEquals(asked.code, 2);
      assertStringIncludes(asked.stderr, "--yes");
      const done = await runMain(["restore", "latest", "--yes", "--json", ...at]);
      const report = JSON.parse(done.stdout);
      // The pictures of these rows never were.
      assertEquals([done.code, report.from, report.files_missing.count], [1, path, 3]);
      const listed = JSON.parse((await runMain(["restore", "list", "--json", ...at])).stdout);
      assertEquals(listed.backups.map(({ kind }: { kind: string }) => kind), [
        "before-restore",
        "backup",
      ]);
    }),
);

/** Starts a command and kills it when so many things happened below a folder; whether it was killed. */
async function killAt(
  args: string[],
  { folder, moment }: { folder: string; moment: number },
): Promise<{ events: number; wasKilled: boolean }> {
  using watcher = Deno.watchFs(folder);
  const child = mainCommand(args, { stdout: "null" }).spawn();
  let events = 0;
  const watching = (async () => {
    for await (const _ of watcher) if (++events === moment) child.kill("SIGKILL");
  })();
  const { signal } = await child.status;
  watcher.close();
  await watching;
  return { events, wasKilled: signal === "SIGKILL" };
}

/** What tells the two databases of the test from each other, and whether it is one of them as a whole. */
function readState(path: string): string {
  checkDatabase(path);
  const db = openReader(path);
  try {
    const names = db.prepare("SELECT name FROM tags WHERE name LIKE 'state_%' ORDER BY name")
      .values<[string]>().flat();
    return names.join();
  } finally {
    db.close();
  }
}

fullTierTest(
  "restore leaves the old database or the new one, whenever it is killed",
  () =>
    withDatabase(async (paths) => {
      const random = makeRandom(99);
      const at = ["--library", paths.folder];
      const write = (sql: string) => {
        const db = openDatabase(paths.database);
        db.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
        db.exec(sql);
        db.close();
      };
      write("INSERT INTO tags (name) VALUES ('state_old_1'), ('state_old_2')");
      const made = await runMain(["backup", ...at, "--json"]);
      const { path } = JSON.parse(made.stdout);
      const [backup, present] = ["state_old_1,state_old_2", "state_new"];
      const makeNew = "DELETE FROM tags WHERE name LIKE 'state_%'; " +
        "INSERT INTO tags (name) VALUES ('state_new')";
      const args = ["restore", path, "--yes", ...at];
      write(makeNew);
      const { events } = await killAt(args, { folder: paths.folder, moment: Infinity });
      const seen = new Map<string, number>();
      const wasReached = () => (seen.get(backup) ?? 0) > 3 && (seen.get(present) ?? 0) > 10;
      // The swap is near the end, where a kill comes too late as easily: it is tried until it was hit.
      for (let i = 0; i < 60 || (i < 300 && !wasReached()); i++) {
        write(makeNew);
        const from = i % 2 === 0 ? 0 : Math.floor(events * 0.7);
        const moment = 1 + from + random.int(events - from);
        const { wasKilled } = await killAt(args, { folder: paths.folder, moment });
        const state = readState(paths.database);
        assert([backup, present].includes(state), `killed at event ${moment}: ${state}`);
        if (wasKilled) seen.set(state, (seen.get(state) ?? 0) + 1);
        // Every copy that has its name is whole.
        for await (const { name } of Deno.readDir(paths.backups)) {
          if (name.endsWith(".db")) checkDatabase(join(paths.backups, name));
        }
      }
      assert(wasReached(), JSON.stringify([...seen]));
      const ended = await runMain(args);
      assertEquals([ended.code, ended.stderr], [1, ""], "the pictures never were");
      assertEquals(readState(paths.database), backup);
      const left = await Array.fromAsync(Deno.readDir(paths.data), ({ name }) => name);
      assertEquals(left.filter((name) => name.startsWith(".")), []);
    }),
);

fullTierTest(
  "backup leaves whole backups alone, whenever it is killed",
  () =>
    withDatabase(async (paths) => {
      const random = makeRandom(5);
      const args = ["backup", "--library", paths.folder, "--keep", "2"];
      const { events } = await killAt(args, { folder: paths.folder, moment: Infinity });
      let kills = 0;
      for (let i = 0; i < 30; i++) {
        const moment = 1 + random.int(events);
        if ((await killAt(args, { folder: paths.folder, moment })).wasKilled) kills++;
        let count = 0;
        for await (const { name } of Deno.readDir(paths.backups)) {
          if (!name.endsWith(".db")) continue;
          checkDatabase(join(paths.backups, name));
          count++;
        }
        assert(count >= 1 && count <= 3, `${count} backups after event ${moment}`);
      }
      assert(kills > 10, `only ${kills} kills`);
      assertEquals((await runMain(args)).code, 0);
      const names = await Array.fromAsync(Deno.readDir(paths.backups), ({ name }) => name);
      assertEquals(names.filter((name) => name.startsWith(".")), []);
    }),
);
