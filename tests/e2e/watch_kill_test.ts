import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { openLibrary } from "../../src/library/library.ts";
import { getFileMd5 } from "../../src/media/md5.ts";
import { openReader } from "../../src/store/database.ts";
import { makeRandom } from "../support/random.ts";
import { mainCommand, runMain } from "../support/run_main.ts";
import { checkDatabase, hashTree, rowsOf, writePicture } from "../support/sample_library.ts";
import { withTempDir } from "../support/temp.ts";
import { fullTierTest } from "../support/tier.ts";

const ROUNDS = 6;
const KILLS_A_ROUND = 4;
const FILES = 60;
const SEED = 771;

/** Starts a scan and kills it when so many things happened in the library's folder. */
async function killAt(library: string, eventNumber: number): Promise<number> {
  using watcher = Deno.watchFs(library);
  const args = ["watch", "--once", "--library", library];
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

/** md5 → paths, below ingest/ and images/. */
async function allFiles(library: string): Promise<Map<string, string[]>> {
  const files = await hashTree(join(library, "ingest"));
  for (const [md5, paths] of await hashTree(join(library, "images"))) {
    files.set(md5, [...files.get(md5) ?? [], ...paths]);
  }
  return files;
}

fullTierTest(
  "watch loses nothing of ingest/ and stores nothing twice, whenever it is killed",
  async () => {
    const random = makeRandom(SEED);
    let eventsOfRun = 0;
    for (let round = 0; round <= ROUNDS; round++) {
      await withTempDir(async (temp) => {
        const library = join(await Deno.realPath(temp), "library");
        const label = `seed ${SEED}, round ${round}`;
        // Empty at first: the database is not made under the kill.
        await (await openLibrary({ folder: library, workers: 1 })).close();
        const tags = new Map<string, Set<string>>();
        for (let i = 0; i < FILES; i++) {
          const path = join(library, "ingest", `f${i % 3}`, `${i}.png`);
          const number = random.int(50);
          await writePicture(path, number, { ".txt": `tag_${i}` });
          const md5 = await getFileMd5(path);
          tags.set(md5, new Set([...tags.get(md5) ?? [], `tag_${i}`]));
        }
        const before = await allFiles(library);
        if (round === 0) eventsOfRun = await killAt(library, Infinity);
        for (let kill = 0; round > 0 && kill < KILLS_A_ROUND; kill++) {
          await killAt(library, 1 + random.int(eventsOfRun));
          const now = await allFiles(library);
          const lost = [...before.keys()].filter((md5) => !now.has(md5));
          assertEquals(lost, [], label);
        }
        const ended = await runMain(["watch", "--once", "--library", library]);
        assertEquals([ended.code, ended.stderr], [0, ""], `${label}: ${ended.stdout}`);
        await checkEnd({ library, label, tags, before });
      });
    }
  },
);

async function checkEnd(
  round: {
    library: string;
    label: string;
    tags: Map<string, Set<string>>;
    before: Map<string, string[]>;
  },
): Promise<void> {
  const { library, label, tags, before } = round;
  checkDatabase(join(library, "data/booru.db"));
  const stored = await hashTree(join(library, "images"));
  assertEquals([...stored.keys()].sort(), [...tags.keys()].sort(), label);
  assert([...stored.values()].every((paths) => paths.length === 1), `${label}: stored twice`);
  // Sidecars and copies are all still there, aside.
  const left = await hashTree(join(library, "ingest"));
  const sidecars = [...before].filter(([md5]) => !tags.has(md5));
  const lost = sidecars.filter(([md5]) => !left.has(md5)).map(([, paths]) => paths);
  assertEquals(lost, [], label);
  const waiting = [...left.values()].flat().filter((path) => !path.includes("/.done/"));
  assertEquals(waiting, [], `${label}: left in ingest/`);
  const reader = openReader(join(library, "data/booru.db"));
  try {
    for (const [md5, names] of tags) {
      const found = rowsOf<[string]>(
        reader,
        `SELECT name FROM image_tags JOIN tags ON tags.id = tag_id JOIN images ON images.id = image_id
         WHERE md5 = ? ORDER BY name`,
        md5,
      );
      assertEquals(found.flat(), [...names].sort(), `${label}: tags of ${md5}`);
    }
  } finally {
    reader.close();
  }
}
