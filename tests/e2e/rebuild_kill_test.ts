import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { dumpDatabase, openDatabase } from "../support/library_builder.ts";
import { makeRandom } from "../support/random.ts";
import { mainCommand, runMain } from "../support/run_main.ts";
import { fingerprint, writePicture } from "../support/sample_library.ts";
import { withTempDir } from "../support/temp.ts";
import { fullTierTest } from "../support/tier.ts";

const KILLS = 30;
const SEED = 4_711;

/** Starts a rebuild and kills it when so many things happened in the folder of the database. */
async function killAt(folder: string, args: string[], eventNumber: number): Promise<number> {
  using watcher = Deno.watchFs(join(folder, "data"));
  const child = mainCommand(args, { stdout: "null" }).spawn();
  let events = 0;
  const watching = (async () => {
    for await (const _ of watcher) if (++events === eventNumber) child.kill("SIGKILL");
  })();
  await child.status;
  watcher.close();
  await watching;
  return events;
}

function dump(path: string): string[] {
  const db = openDatabase(path);
  try {
    return dumpDatabase(db).filter((line) => !line.includes("change_log"));
  } finally {
    db.close();
  }
}

fullTierTest("rebuild leaves the old or the new database, whenever it is killed", async () => {
  await withTempDir(async (made) => {
    const dir = await Deno.realPath(made);
    const folder = join(dir, "library");
    for (let i = 0; i < 40; i++) {
      await writePicture(join(dir, "source", `${i}.png`), i, {
        ".json": { category: "danbooru", id: i, tag_string: `sky tag_${i % 5}`, rating: "e" },
        ".txt": `listed_${i % 3}`,
      });
    }
    const library = ["--library", folder];
    assertEquals((await runMain(["import", join(dir, "source"), ...library])).code, 0);
    const database = join(folder, "data/booru.db");
    const db = openDatabase(database);
    // What a rebuild mends tells the old one from the new one.
    const spoil = "DELETE FROM image_tags WHERE tag_id = (SELECT id FROM tags WHERE name = 'sky')";
    const whole = dump(database);
    db.exec(spoil);
    db.close();
    const spoiled = dump(database);
    const files = await fingerprint(join(folder, "images"));
    const random = makeRandom(SEED);
    const events = await killAt(folder, ["rebuild", ...library], Infinity);
    assertEquals(dump(database), whole);
    const seen = { old: 0, new: 0 };
    const wasReached = () => seen.old > 5 && seen.new > 0;
    // The swap is near the end: half of the kills aim at it, until one came after it.
    for (let i = 0; i < KILLS || (i < 10 * KILLS && !wasReached()); i++) {
      const again = openDatabase(database);
      again.exec(spoil);
      again.exec("UPDATE images SET tags_general = replace(tags_general, 'sky', '')");
      again.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      again.close();
      const before = dump(database);
      const from = i % 2 === 0 ? 0 : Math.floor(events * 0.8);
      const moment = 1 + from + random.int(events - from);
      await killAt(folder, ["rebuild", ...library], moment);
      checkDatabaseOf(database);
      const now = dump(database);
      const label = `seed ${SEED}, kill ${i} at event ${moment} of ${events}`;
      const isOld = now.join("\n") === before.join("\n");
      assert(isOld || now.join("\n") === whole.join("\n"), label);
      seen[isOld ? "old" : "new"]++;
      assertEquals(await fingerprint(join(folder, "images")), files, label);
    }
    assert(wasReached(), Deno.inspect(seen));
    assertEquals((await runMain(["rebuild", ...library])).code, 0);
    assertEquals(dump(database), whole);
    assert(spoiled.length < whole.length);
    for await (const { name } of Deno.readDir(join(folder, "data/backups"))) {
      if (name.endsWith(".db")) checkDatabaseOf(join(folder, "data/backups", name));
    }
  });
});

/** The tables are sound, whatever the columns say of the tags that were taken away. */
function checkDatabaseOf(path: string): void {
  const db = openDatabase(path);
  try {
    assertEquals(db.prepare("PRAGMA integrity_check").values(), [["ok"]]);
    assertEquals(db.prepare("PRAGMA foreign_key_check").values(), []);
  } finally {
    db.close();
  }
}
