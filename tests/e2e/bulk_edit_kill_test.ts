import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { OPERATION_BATCH_IMAGES } from "../../src/base/limits.ts";
import { countImages } from "../../src/library/browse.ts";
import { undoOperation } from "../../src/library/history.ts";
import { type Library, openLibrary } from "../../src/library/library.ts";
import { continueOperation } from "../../src/library/operations.ts";
import { readOperations } from "../../src/store/operations.ts";
import { buildLibrary, dumpDatabase, openDatabase } from "../support/library_builder.ts";
import { rowsOf } from "../support/sample_library.ts";
import { withTempDir } from "../support/temp.ts";
import { fullTierTest } from "../support/tier.ts";

/** Libraries whose edit is killed. */
const ROUNDS = 20;
/** Many more than two transactions take. */
const COUNT = 24 * OPERATION_BATCH_IMAGES;

/** Runs the program until it told of so many transactions, then kills it. */
async function killAfter(folder: string, transactions: number): Promise<void> {
  const program = new URL("../support/bulk_edit_program.ts", import.meta.url).pathname;
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", "--config", config, program, folder],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let told = 0;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    told += text.split("\n").length - 1;
    if (told >= transactions) break;
  }
  child.kill("SIGKILL");
  await child.status;
}

/** What an edit changes, without the history of it. */
function dumpTags(folder: string): string[] {
  const db = openDatabase(join(folder, "data/booru.db"));
  try {
    return dumpDatabase(db).filter((row) =>
      /^(image_tags|images|images_fts|tag_deltas) /.test(row)
    );
  } finally {
    db.close();
  }
}

/** Every image is either edited with its history and its lasting words, or as it was. */
function checkHalf({ core: { reader } }: Library, done: number): void {
  const [[edited]] = rowsOf<[number]>(
    reader,
    "SELECT count(*) FROM images WHERE tags_general LIKE '%done%'",
  );
  const counts = [
    "SELECT count(*) FROM image_tags JOIN tags ON tags.id = tag_id WHERE name = 'done'",
    "SELECT count(*) FROM tag_edits",
    "SELECT count(*) FROM tag_deltas WHERE tag_name = 'done'",
    "SELECT count(*) FROM images_fts WHERE images_fts MATCH 'done'",
  ].map((sql) => rowsOf<[number]>(reader, sql)[0][0]);
  assertEquals([edited, ...counts], Array(5).fill(done));
  assertEquals(rowsOf(reader, "PRAGMA integrity_check"), [["ok"]]);
}

async function build(folder: string): Promise<void> {
  await Deno.mkdir(join(folder, "data"), { recursive: true });
  buildLibrary(join(folder, "data/booru.db"), {
    tags: [{ name: "a" }, { name: "odd" }],
    images: Array.from({ length: COUNT }, (_, i) => {
      const tags = i % 2 === 0 ? ["a", "odd"] : ["a"];
      const columns = { tags_general: tags.join(" ") };
      const empty = ["character", "copyright", "artist", "species", "meta"];
      for (const name of empty) Object.assign(columns, { [`tags_${name}`]: "" });
      return { tags, columns };
    }),
  });
}

fullTierTest(
  "an edit of many that is killed leaves whole images, and goes on or is undone",
  () =>
    withTempDir(async (dir) => {
      for (let round = 0; round < ROUNDS; round++) {
        const folder = join(dir, `library${round}`);
        await build(folder);
        const before = dumpTags(folder);
        await killAfter(folder, 1 + round % 2);
        const library = await openLibrary({ folder, workers: 1 });
        try {
          await library.core.cache.loadDataFromDb({ verbose: false });
          const [operation] = readOperations(library.core.reader, { below: 1_000, limit: 1 });
          const { done, total } = operation.steps;
          assert(done > 0 && done < total, `round ${round}: killed at ${done} of ${total}`);
          assertEquals(operation.state, "interrupted");
          checkHalf(library, done);
          if (round % 2 === 0) await undoOperation(library, operation.id);
          else {
            assertEquals((await continueOperation(library, operation.id)).steps.changed, COUNT);
            assertEquals(await countImages(library, "done -odd"), COUNT);
            checkHalf(library, COUNT);
            await undoOperation(library, operation.id);
          }
        } finally {
          await library.close();
        }
        assertEquals(dumpTags(folder), before, `round ${round}`);
      }
    }),
);
