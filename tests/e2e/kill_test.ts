import { assert, assertEquals } from "@std/assert";
import { basename, join } from "node:path";
import { getFileMd5 } from "../../src/media/md5.ts";
import { openReader } from "../../src/store/database.ts";
import type { TrashManifest } from "../../src/store/trash.ts";
import { makeRandom, type Random } from "../support/random.ts";
import { checkDatabase, hashTree, rowsOf, writePicture } from "../support/sample_library.ts";
import { withTempDir } from "../support/temp.ts";
import { runs } from "../support/tier.ts";

/** Kills of the whole test; CHIBIBOORU_KILLS asks for another number. */
const KILLS = Number(Deno.env.get("CHIBIBOORU_KILLS") ?? runs(2, 100));
const KILLS_A_LIBRARY = 30;
const NEW_FILES = 8;
const SEED = 300;
const PROGRAM = new URL("../support/kill_program.ts", import.meta.url).pathname;
const PROJECT = new URL("../../", import.meta.url).pathname;

type Place = { folder: string; source: string; contents: Set<string> };

/** Sidecars, manifests and what is half written under a name that says so are no pictures. */
function isPicture(path: string): boolean {
  return !/\.(json|txt)$/.test(path) && !basename(path).startsWith(".") &&
    !path.includes("/.incoming/");
}

/** Puts new pictures, and copies of them and of old ones, into the source. */
async function fillSource(place: Place, numbers: { next: number }, random: Random): Promise<void> {
  for (let i = 0; i < NEW_FILES; i++) {
    const isOld = numbers.next > 10 && random.int(4) === 0;
    const number = isOld ? random.int(numbers.next) : numbers.next++;
    const path = join(place.source, `s${random.int(3)}`, `${number}-${random.int(1_000)}.png`);
    await writePicture(path, number, { ".txt": `tag_${number % 5}\ntag_${random.int(9)}` });
    place.contents.add(await getFileMd5(path));
  }
}

/** Runs the program and kills it at the event of this number in the library's folder; 0: never. */
async function runAndKill(
  place: Place,
  seed: number | null,
  killAt: number,
): Promise<{ wasKilled: boolean; events: number }> {
  await Deno.mkdir(place.folder, { recursive: true });
  using watcher = Deno.watchFs(place.folder);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", PROGRAM, place.folder, place.source].concat(
      seed === null ? [] : [String(seed)],
    ),
    cwd: PROJECT,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let events = 0;
  const watching = (async () => {
    for await (const _ of watcher) if (++events === killAt) child.kill("SIGKILL");
  })();
  const [{ signal, code }, complaint] = await Promise.all([
    child.status,
    new Response(child.stderr).text(),
  ]);
  watcher.close();
  await watching;
  const wasKilled = signal === "SIGKILL";
  assert(wasKilled || code === 0, `seed ${seed}: ${complaint}`);
  return { wasKilled, events };
}

/**
 * What holds at every moment: each content is somewhere, byte for byte, no picture has bytes that nobody
 * made, each row of the library has its file, and each entry of the trash has its files where it says.
 */
async function checkAfterKill(place: Place, label: string): Promise<void> {
  const found = new Map<string, string[]>();
  for (const folder of [place.source, join(place.folder, "images"), join(place.folder, "trash")]) {
    const tree = await hashTree(folder).catch(() => new Map<string, string[]>());
    for (const [md5, paths] of tree) {
      const pictures = paths.filter(isPicture);
      if (pictures.length > 0) found.set(md5, [...found.get(md5) ?? [], ...pictures]);
    }
  }
  const lost = [...place.contents].filter((md5) => !found.has(md5));
  assertEquals(lost, [], `${label}: contents that are nowhere`);
  const torn = [...found].filter(([md5]) => !place.contents.has(md5)).flatMap(([, paths]) => paths);
  assertEquals(torn, [], `${label}: files that nobody made`);
  const database = join(place.folder, "data/booru.db");
  const size = await Deno.stat(database).then((info) => info.size, () => 0);
  if (size === 0) return;
  const reader = openReader(database);
  try {
    const hasTables = rowsOf(reader, "SELECT 1 FROM sqlite_master WHERE name = 'trash'").length > 0;
    if (!hasTables) return;
    const rows = rowsOf<[string, string]>(
      reader,
      `SELECT filepath, md5 FROM images UNION
       SELECT files.filepath, md5 FROM image_files AS files JOIN images ON images.id = image_id`,
    );
    for (const [filepath, md5] of rows) {
      assertEquals(await md5At(place, "images", filepath), md5, `${label}: row of ${filepath}`);
    }
    const entries = rowsOf<[string, string, string]>(
      reader,
      "SELECT md5, state, manifest FROM trash",
    );
    for (const [md5, state, text] of entries) {
      const { files } = JSON.parse(text) as TrashManifest;
      for (const { filepath, trashed } of files) {
        if (trashed === null || !isPicture(filepath)) continue;
        const there = [await md5At(place, "trash", trashed)];
        if (state !== "trashed") there.push(await md5At(place, "images", filepath));
        assert(there.includes(md5), `${label}: entry (${state}) of ${filepath} has ${there}`);
      }
    }
  } finally {
    reader.close();
  }
}

function md5At(place: Place, part: string, relative: string): Promise<string> {
  return getFileMd5(join(place.folder, part, relative)).catch(() => "no file");
}

/** What holds after a start that was left in peace: the database is sound, and nothing is half done. */
async function checkAfterStart(place: Place, label: string): Promise<void> {
  await runAndKill(place, null, 0);
  await checkAfterKill(place, label);
  const database = join(place.folder, "data/booru.db");
  checkDatabase(database);
  const reader = openReader(database);
  try {
    assertEquals(rowsOf(reader, "SELECT id, state FROM trash WHERE state <> 'trashed'"), [], label);
    const known = new Set(
      rowsOf<[string]>(reader, "SELECT md5 FROM images UNION SELECT md5 FROM trash").flat(),
    );
    for (const md5 of (await hashTree(place.source)).keys()) known.add(md5);
    // The rest are names that an import gave and had no time to write down: the next one finds them.
    const unknown = [...place.contents].filter((md5) => !known.has(md5));
    const incoming = await Array.fromAsync(
      Deno.readDir(join(place.folder, "images/.incoming")),
      ({ name }) => name,
    ).catch(() => [] as string[]);
    assertEquals(unknown.filter((md5) => !incoming.includes(md5)), [], `${label}: without a row`);
  } finally {
    reader.close();
  }
}

Deno.test("killed at any point of import, dedupe, trash and restore, no file is lost", () =>
  withTempDir(async (folder) => {
    const random = makeRandom(SEED);
    let place: Place | undefined;
    let numbers = { next: 0 };
    let events = 300;
    let kills = 0;
    for (let run = 0; kills < KILLS; run++) {
      if (place === undefined || run % KILLS_A_LIBRARY === 0) {
        if (place !== undefined) await checkAfterStart(place, `before run ${run}`);
        place = {
          folder: join(folder, `library ${run}`),
          source: join(folder, `source ${run}`),
          contents: new Set(),
        };
        numbers = { next: 0 };
        await Deno.mkdir(place.source);
      }
      await fillSource(place, numbers, random);
      const ended = await runAndKill(place, SEED + run, 1 + random.int(events));
      if (ended.wasKilled) kills++;
      // Later kills reach as far as the program goes.
      else events = Math.max(50, Math.round(ended.events * 0.95));
      await checkAfterKill(place, `run ${run}`);
    }
    if (place !== undefined) await checkAfterStart(place, "in the end");
  }));
