import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { openLibrary } from "../../src/library/library.ts";
import { openReader } from "../../src/store/database.ts";
import { addImage, bytesOf, put, treeOf } from "../support/copies.ts";
import { makeRandom, type Random } from "../support/random.ts";
import { mainCommand, runMain } from "../support/run_main.ts";
import { checkDatabase, rowsOf } from "../support/sample_library.ts";
import { withTempDir } from "../support/temp.ts";
import { isFullTier } from "../support/tier.ts";

/** Kills of each command in one round, and rounds: 2 kills, or 40 in the full tier. */
const KILLS = isFullTier
  ? { dedupe: 3, restore: 3, empty: 2 }
  : { dedupe: 1, restore: 1, empty: 0 };
const ROUNDS = isFullTier ? 5 : 1;
const SEED = 20_261;

/** A library with copies of all sorts, and a folder that is indexed in place. */
type Round = { folder: string; root: string; label: string };

async function makeRound(folder: string, random: Random, label: string): Promise<Round> {
  const root = join(folder, "disk");
  await Deno.mkdir(root, { recursive: true });
  const library = await openLibrary({ folder: join(folder, "library"), workers: 1 });
  try {
    const { images } = library.paths;
    await library.writer.call("ensureRoot", { name: "disk", path: root });
    for (let i = 0; i < (isFullTier ? 40 : 12); i++) {
      const content = bytesOf(random.int(12), 2_000);
      const name = `${random.int(4)}/${i}.png`;
      if (random.int(5) === 0) {
        const path = await put(root, name, content);
        await addImage(library, `@disk/${name}`, content, { path });
      } else if (random.int(4) === 0) await put(images, name, content);
      else {
        await addImage(library, name, content);
        if (random.int(2) === 0) await put(images, `${name}.txt`, `only_at_${i}`);
      }
    }
  } finally {
    await library.close();
  }
  return { folder: join(folder, "library"), root, label };
}

/** Runs a command and kills it when so many things happened in the library's folder; counts them. */
async function killAt(round: Round, args: string[], eventNumber: number): Promise<number> {
  using watcher = Deno.watchFs(round.folder);
  const child = mainCommand([...args, "--library", round.folder, "--json"], { stdout: "null" })
    .spawn();
  let events = 0;
  const watching = (async () => {
    for await (const _ of watcher) {
      if (++events !== eventNumber) continue;
      try {
        child.kill("SIGKILL");
      } catch (error) {
        // It had ended already.
        if (!(error instanceof TypeError)) throw error;
      }
    }
  })();
  await child.status;
  watcher.close();
  await watching;
  return events;
}

/** Contents of all files by how often they are there, manifests left out. */
async function countContents(folders: readonly string[]): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const folder of folders) {
    for (const [name, md5] of Object.entries(await treeOf(folder))) {
      if (/(^|\/)(manifest\.json|\.[^/]*)$/.test(name)) continue;
      counts.set(md5, (counts.get(md5) ?? 0) + 1);
    }
  }
  return counts;
}

function foldersOf({ folder, root }: Round): string[] {
  return [join(folder, "images"), join(folder, "trash"), root];
}

/** At every moment each file is there, byte for byte, under one name or under both. */
async function checkAfterKill(
  round: Round,
  before: Map<string, number>,
  label: string,
): Promise<void> {
  const now = await countContents(foldersOf(round));
  assertEquals([...now.keys()].sort(), [...before.keys()].sort(), label);
  for (const [md5, count] of before) assert(now.get(md5)! >= count, `${label}: ${md5}`);
  checkDatabase(join(round.folder, "data/booru.db"));
}

function readEntries({ folder }: Round): { id: number; state: string }[] {
  const reader = openReader(join(folder, "data/booru.db"));
  try {
    return rowsOf<[number, string]>(reader, "SELECT id, state FROM trash ORDER BY id")
      .map(([id, state]) => ({ id, state }));
  } finally {
    reader.close();
  }
}

async function finish(round: Round, args: string[]): Promise<Record<string, unknown>> {
  const ended = await runMain([...args, "--library", round.folder, "--json"]);
  assertEquals([ended.code, ended.stderr.replace(/^.*"message".*\n/gm, "")], [0, ""], round.label);
  return JSON.parse(ended.stdout);
}

async function runRound(round: Round, random: Random): Promise<void> {
  const trees = [await treeOf(join(round.folder, "images")), await treeOf(round.root)];
  const before = await countContents(foldersOf(round));
  const dedupe = ["dedupe", "--delete", "--include-in-place"];
  let most = 120;
  for (let kill = 0; kill < KILLS.dedupe; kill++) {
    const moment = 1 + random.int(most);
    const events = await killAt(round, dedupe, moment);
    most = Math.max(most, events);
    await checkAfterKill(round, before, `${round.label}, dedupe killed at ${moment}`);
  }
  await finish(round, dedupe);
  assertEquals((await finish(round, ["dedupe"])).duplicates_found, 0, round.label);
  assertEquals(await countContents(foldersOf(round)), before, round.label);
  assertEquals(readEntries(round).filter(({ state }) => state !== "trashed"), [], round.label);
  for (let kill = 0; kill < KILLS.restore; kill++) {
    const ids = readEntries(round).map(({ id }) => String(id));
    const moment = 1 + random.int(most);
    await killAt(round, ["trash", "restore", ...ids], moment);
    await checkAfterKill(round, before, `${round.label}, restore killed at ${moment}`);
  }
  // Whatever command comes next finishes what was interrupted.
  await finish(round, ["trash", "keep", "never"]);
  const left = readEntries(round);
  assertEquals(left.filter(({ state }) => state !== "trashed"), [], round.label);
  if (left.length > 0) await finish(round, ["trash", "restore", ...left.map(({ id }) => `${id}`)]);
  assertEquals(
    [await treeOf(join(round.folder, "images")), await treeOf(round.root)],
    trees,
    round.label,
  );
  assertEquals(await treeOf(join(round.folder, "trash")), {}, round.label);
  checkDatabase(join(round.folder, "data/booru.db"));
  if (KILLS.empty > 0) await killEmptying(round, random, before);
}

/** Emptying removes copies alone: every content stays in the library, whenever it is killed. */
async function killEmptying(
  round: Round,
  random: Random,
  before: Map<string, number>,
): Promise<void> {
  await finish(round, ["dedupe", "--delete", "--include-in-place"]);
  const kept = await countContents([join(round.folder, "images"), round.root]);
  for (let kill = 0; kill < KILLS.empty; kill++) {
    await killAt(round, ["trash", "empty", "--all", "--yes"], 1 + random.int(60));
    assertEquals(await countContents([join(round.folder, "images"), round.root]), kept);
    checkDatabase(join(round.folder, "data/booru.db"));
  }
  await finish(round, ["trash", "empty", "--all", "--yes"]);
  assertEquals(readEntries(round), [], round.label);
  assertEquals(await treeOf(join(round.folder, "trash")), {}, round.label);
  const pictures = Object.entries(await treeOf(join(round.folder, "images")));
  const left = new Set([
    ...pictures.map(([, md5]) => md5),
    ...Object.values(await treeOf(round.root)),
  ]);
  const sidecars = [...before.keys()].filter((md5) => !left.has(md5));
  // Only sidecars of copies went, and what they said is at their images.
  assert(sidecars.every((md5) => before.get(md5) === 1), round.label);
}

Deno.test("dedupe and trash lose nothing, whenever they are killed", async () => {
  const random = makeRandom(SEED);
  for (let i = 0; i < ROUNDS; i++) {
    await withTempDir(async (temp) => {
      const folder = await Deno.realPath(temp);
      await runRound(await makeRound(folder, random, `seed ${SEED}, round ${i}`), random);
    });
  }
});
