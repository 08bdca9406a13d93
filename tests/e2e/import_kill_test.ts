import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { getFileMd5 } from "../../src/media/md5.ts";
import { openReader } from "../../src/store/database.ts";
import { makeRandom, type Random } from "../support/random.ts";
import { mainCommand, runMain } from "../support/run_main.ts";
import { checkDatabase, hashTree, rowsOf, writePicture } from "../support/sample_library.ts";
import { fullTierTest } from "../support/tier.ts";

/** Kills of one round, and rounds: 80 kills. */
const KILLS_A_ROUND = 4;
const ROUNDS = 20;
const SEED = 20_251;

type Mode = "copy" | "move" | "in-place";
/** One round's folders and what must be in its library in the end: md5 → tags, md5 → source files. */
type Round = {
  mode: Mode;
  library: string;
  source: string;
  label: string;
  tags: Map<string, string[]>;
  files: Map<string, string[]>;
};

/** Where a round's sources lie: every other move crosses devices, if there are two. */
async function makeSourceFolder(parent: string, round: number): Promise<string> {
  const isElsewhere = round % 4 === 3 && await isFolder("/dev/shm");
  const dir = isElsewhere ? "/dev/shm" : parent;
  return await Deno.realPath(await Deno.makeTempDir({ dir, prefix: "chibibooru_test_" }));
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch {
    return false;
  }
}

async function fillSource(round: Round, random: Random): Promise<void> {
  for (let i = 0; i < 90; i++) {
    const number = random.int(75);
    const path = join(round.source, `f${random.int(4)}`, `${random.int(60)}-${i}.png`);
    const tags = [`tag_${i}`, `tag_${random.int(20)}`];
    await writePicture(path, number, {
      ".json": { category: "danbooru", id: i, tag_string: tags.join(" "), rating: "e" },
      ".txt": `artist:painter_${number % 7}`,
    });
    const md5 = await getFileMd5(path);
    const known = round.tags.get(md5) ?? ["rating:explicit", `painter_${number % 7}`];
    round.tags.set(md5, [...new Set([...known, ...tags])].sort());
    round.files.set(md5, [...round.files.get(md5) ?? [], path]);
  }
}

function argsOf({ mode, library, source }: Round): string[] {
  return ["import", source, "--library", library, `--${mode}`, "--json"];
}

/** Deno lets nobody read below /dev, where the other device is, who has not every permission. */
function permissionsOf({ source }: Round): { permissions?: string } {
  return source.startsWith("/dev/") ? { permissions: "-A" } : {};
}

/**
 * Starts an import and kills it when so many things happened in the library's folder: moments of the
 * work, not of the clock. Gives how many things happened, and whether the kill came before the end.
 */
async function killAt(
  round: Round,
  eventNumber: number,
): Promise<{ events: number; wasKilled: boolean }> {
  await Deno.mkdir(round.library, { recursive: true });
  using watcher = Deno.watchFs(round.library);
  const child = mainCommand(argsOf(round), { stdout: "null", ...permissionsOf(round) }).spawn();
  let events = 0;
  const watching = (async () => {
    for await (const _ of watcher) if (++events === eventNumber) child.kill("SIGKILL");
  })();
  const { signal } = await child.status;
  // Ends the loop, and with it the count, before another kill can come.
  watcher.close();
  await watching;
  return { events, wasKilled: signal === "SIGKILL" };
}

/** Where the files of a library's rows lie. */
function readPlaces(round: Round): [path: string, md5: string][] {
  const reader = openReader(join(round.library, "data/booru.db"));
  try {
    if (rowsOf(reader, "SELECT 1 FROM sqlite_master WHERE name = 'image_files'").length === 0) {
      return [];
    }
    return rowsOf<[string, string]>(
      reader,
      `SELECT filepath, md5 FROM images UNION
       SELECT files.filepath, md5 FROM image_files AS files JOIN images ON images.id = image_id`,
    ).map(([filepath, md5]) => {
      const inRoot = /^@[^/]+\/(.*)$/s.exec(filepath);
      const path = inRoot === null
        ? join(round.library, "images", filepath)
        : join(round.source, inRoot[1]);
      return [path, md5];
    });
  } finally {
    reader.close();
  }
}

/** What must be true at every moment: no content is gone, no row lacks its file. Gives the rows' count. */
async function checkAfterKill(round: Round, label: string): Promise<number> {
  const found = new Set((await hashTree(round.source)).keys());
  const images = join(round.library, "images");
  if (await isFolder(images)) { for (const md5 of (await hashTree(images)).keys()) found.add(md5); }
  const lost = [...round.tags.keys()].filter((md5) => !found.has(md5));
  assertEquals(lost, [], `${label}: contents that are nowhere`);
  const hasDatabase = await Deno.stat(join(round.library, "data/booru.db")).then(
    ({ size }) => size > 0,
    () => false,
  );
  if (!hasDatabase) return 0;
  const places = readPlaces(round);
  for (const [path, md5] of places) {
    assertEquals(await getFileMd5(path).catch(() => "no file"), md5, `${label}: ${path}`);
  }
  return new Set(places.map(([, md5]) => md5)).size;
}

/** What must be true in the end: each content once, each file with its row, all tags. */
async function checkInTheEnd(round: Round): Promise<void> {
  const { mode, label, library, source } = round;
  await checkAfterKill(round, label);
  checkDatabase(join(library, "data/booru.db"));
  const stored = await hashTree(join(library, "images"));
  const places = readPlaces(round);
  const wanted = [...round.tags.keys()].sort();
  assertEquals([...new Set(places.map(([, md5]) => md5))].sort(), wanted, label);
  if (mode === "in-place") assertEquals(stored.size, 0, label);
  else {
    assertEquals([...stored.keys()].sort(), wanted, label);
    const twice = [...stored].filter(([, paths]) => paths.length > 1);
    assertEquals(twice, [], `${label}: contents that are stored twice`);
    const recorded = new Set(places.map(([path]) => path));
    const unknown = [...stored.values()].flat().filter((path) => !recorded.has(path));
    assertEquals(unknown, [], `${label}: files without a row`);
  }
  const left = await hashTree(source);
  const isOneDevice = (await Deno.stat(source)).dev === (await Deno.stat(library)).dev;
  for (const [md5, paths] of round.files) {
    const leftCount = left.get(md5)?.length ?? 0;
    // Of copies all but one stay, or all but two: one of them was linked when a run was killed. Across
    // devices that one stays too, as a copy.
    const isRight = mode !== "move"
      ? leftCount === paths.length
      : leftCount < paths.length || !isOneDevice;
    assert(isRight, `${label}: ${leftCount} of ${paths.length} sources of ${md5} are left`);
  }
  const reader = openReader(join(library, "data/booru.db"));
  try {
    for (const [md5, tags] of round.tags) {
      const names = rowsOf<[string]>(
        reader,
        `SELECT name FROM image_tags JOIN tags ON tags.id = tag_id JOIN images ON images.id = image_id
         WHERE md5 = ? ORDER BY name`,
        md5,
      ).map(([name]) => name);
      assertEquals(names, tags, `${label}: tags of ${md5}`);
    }
  } finally {
    reader.close();
  }
}

fullTierTest("import loses nothing and stores nothing twice, whenever it is killed", async () => {
  const random = makeRandom(SEED);
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "chibibooru_test_" }));
  const sources: string[] = [];
  let killsMidway = 0;
  // The first round is not killed: it tells how many things happen in a run.
  let eventsOfRun = Infinity;
  try {
    for (let i = 0; i <= ROUNDS; i++) {
      const source = await makeSourceFolder(folder, i);
      sources.push(source);
      const mode = i % 5 === 4 ? "in-place" : i % 2 === 0 ? "copy" : "move";
      const library = join(folder, `library${i}`);
      const label = `seed ${SEED}, round ${i}, ${mode}`;
      const round: Round = { mode, library, source, label, tags: new Map(), files: new Map() };
      await fillSource(round, random);
      for (let kill = 0; i > 0 && kill < KILLS_A_ROUND; kill++) {
        const moment = 1 + random.int(eventsOfRun);
        const { wasKilled } = await killAt(round, moment);
        const count = await checkAfterKill(round, `${label}, killed at event ${moment}`);
        if (wasKilled && count < round.tags.size) killsMidway++;
      }
      if (i === 0) eventsOfRun = (await killAt(round, Infinity)).events;
      const ended = await runMain(argsOf(round), permissionsOf(round));
      assertEquals([ended.code, ended.stderr], [0, ""], `${label}: ${ended.stdout}`);
      await checkInTheEnd(round);
      const again = JSON.parse((await runMain(argsOf(round), permissionsOf(round))).stdout);
      assertEquals([again.added, again.tags_merged, again.failed], [0, 0, 0], label);
      await checkInTheEnd(round);
    }
    assert(killsMidway >= ROUNDS * KILLS_A_ROUND / 4, `only ${killsMidway} kills fell into a run`);
  } finally {
    for (const path of [...sources, folder]) {
      await Deno.remove(path, { recursive: true }).catch((error) => {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
    }
  }
});
