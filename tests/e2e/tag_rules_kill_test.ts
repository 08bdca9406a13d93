import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { prepareDatabase } from "../../src/store/migrate.ts";
import { buildLibrary, openDatabase } from "../support/library_builder.ts";
import { checkDatabase } from "../support/sample_library.ts";
import { withTempDir } from "../support/temp.ts";
import { fullTierTest } from "../support/tier.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
/** Several transactions, so that there is a middle to be killed in. */
const IMAGES = 8_000;
/** Each kills a little later. */
const ROUNDS = 20;

function command(args: string[]): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "-P=manage", "main.ts", ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  });
}

/** Waits until a number of images have a tag, or the program ended. */
async function waitForImages(path: string, tag: string, count: number): Promise<void> {
  const db = openDatabase(path);
  try {
    db.exec("PRAGMA busy_timeout = 5000");
    const counted = db.prepare(
      "SELECT count(*) FROM image_tags WHERE tag_id = (SELECT id FROM tags WHERE name = ?)",
    );
    for (;;) {
      if (counted.value<[number]>(tag)![0] >= count) return;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  } finally {
    db.close();
  }
}

function countOf(path: string, sql: string, ...params: string[]): number {
  const db = openDatabase(path);
  try {
    return db.prepare(sql).value<[number]>(...params)![0];
  } finally {
    db.close();
  }
}

const WITH_TAG =
  "SELECT count(*) FROM image_tags WHERE tag_id = (SELECT id FROM tags WHERE name = ?)";
const RUNNING = "SELECT count(*) FROM journal WHERE state = 'running'";

fullTierTest("a rule whose application was killed is finished by the next command", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    await withTempDir(async (dir) => {
      const path = join(dir, "data", "booru.db");
      await Deno.mkdir(join(dir, "data"));
      const images = Array.from({ length: IMAGES }, () => ({
        tags: ["miku"],
        columns: { tags_general: "miku" },
      }));
      buildLibrary(path, { images });
      await prepareDatabase(path, join(dir, "backup.db"));
      const child = command(["tags", "implications", "add", "miku", "vocaloid", "--library", dir])
        .spawn();
      await waitForImages(path, "vocaloid", 1 + round * 250);
      child.kill("SIGKILL");
      await child.output();
      const done = countOf(path, WITH_TAG, "vocaloid");
      if (done < IMAGES) assertEquals(countOf(path, RUNNING), 1);
      // Another rule is applied, and with it what was left.
      const other = await command(["tags", "aliases", "add", "none", "other", "--library", dir])
        .output();
      assertEquals(other.code, 0, new TextDecoder().decode(other.stderr));
      assertEquals(countOf(path, WITH_TAG, "vocaloid"), IMAGES);
      assertEquals(countOf(path, RUNNING), 0);
      assert(done > 0, "it was in the middle");
      checkDatabase(path);
    });
  }
});
