import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { checkDatabase, pictureBytes, rowsOf, writePicture } from "../support/sample_library.ts";
import { makeRandom } from "../support/random.ts";
import { fullTierTest } from "../support/tier.ts";
import { type Watching, withWatch } from "../support/watching.ts";

const SEEDS = 8;
const ROUNDS = 6;
const STEPS = 7;
const FOLDERS = ["", "a/", "b/", "b/c/"];

async function md5Of(number: number): Promise<string> {
  return createHash("md5").update(await pictureBytes(number)).digest("hex");
}

/** Stored path → md5 of every place whose file is there, as the database has it. */
function readPlaces({ library }: Watching): Record<string, string> {
  return Object.fromEntries(rowsOf<[string, string]>(
    library.core.reader,
    `SELECT files.filepath, md5 FROM image_files AS files JOIN images ON images.id = image_id
     WHERE missing_since_ms IS NULL ORDER BY files.filepath`,
  ));
}

fullTierTest(
  "WatchService ends at what is on the disk after any renames, edits and losses",
  async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = makeRandom(seed);
      await withWatch(async (watching) => {
        const { library, source, until, watch } = watching;
        const files = new Map<string, number>();
        for (let round = 0; round < ROUNDS; round++) {
          const steps: string[] = [];
          for (let step = 0; step < STEPS; step++) steps.push(await change(source, files, random));
          const wanted: Record<string, string> = {};
          for (const path of [...files.keys()].sort()) {
            wanted[`@source/${path}`] = await md5Of(files.get(path)!);
          }
          // By what the system tells; what is lost all at once may need a person.
          const label = `seed ${seed}, round ${round}`;
          await until(`${label} is followed`, () => {
            if (watching.status().state === "unavailable") void watch.accept("source");
            return equal(readPlaces(watching), wanted);
          }).catch(() => assertEquals(readPlaces(watching), wanted, `${label}: ${steps}`));
          await watch.scan();
          assertEquals(readPlaces(watching), wanted, label);
          checkDatabase(library.paths.database);
        }
      });
    }
  },
);

function equal(left: Record<string, string>, right: Record<string, string>): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

/** Writes, renames or removes one file or folder; says which. */
async function change(
  source: string,
  files: Map<string, number>,
  random: ReturnType<typeof makeRandom>,
): Promise<string> {
  const name = () => `${FOLDERS[random.int(FOLDERS.length)]}${random.int(5)}.png`;
  const kind = random.int(10);
  const [from, to] = [name(), name()];
  if (kind < 4) {
    const number = random.int(12);
    await writePicture(join(source, to), number);
    files.set(to, number);
  } else if (kind < 7 && files.has(from) && from !== to) {
    await Deno.mkdir(join(source, to, ".."), { recursive: true });
    await Deno.rename(join(source, from), join(source, to));
    files.set(to, files.get(from)!);
    files.delete(from);
  } else if (kind < 8 && files.has(from)) {
    await Deno.remove(join(source, from));
    files.delete(from);
  } else if (kind === 8) await renameFolder(source, files);
  return `${kind} ${from} ${to}`;
}

/** Swaps the folders a and b. */
async function renameFolder(source: string, files: Map<string, number>): Promise<void> {
  for (const folder of ["a", "b"]) await Deno.mkdir(join(source, folder), { recursive: true });
  await Deno.rename(join(source, "a"), join(source, "x"));
  await Deno.rename(join(source, "b"), join(source, "a"));
  await Deno.rename(join(source, "x"), join(source, "b"));
  const moved = [...files].map(([path, number]): [string, number] => {
    const other = path.startsWith("a/") ? `b${path.slice(1)}` : `a${path.slice(1)}`;
    return [/^[ab]\//.test(path) ? other : path, number];
  });
  files.clear();
  for (const [path, number] of moved) files.set(path, number);
}
