import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import { importTagCsv, type TagImportReport } from "../../src/library/tags_import.ts";
import { search } from "../../src/query/search.ts";
import { parseQuery } from "../../src/query/parser.ts";
import { getFileMd5 } from "../../src/media/md5.ts";
import {
  checkDatabase,
  importSource,
  rowsOf,
  type SampleLibrary,
  tagsOf,
  withLibrary,
  writePicture,
} from "../support/sample_library.ts";
import { fullTierTest } from "../support/tier.ts";

const LIST = `name,category,post_count,aliases\r
hatsune_miku,4,900,"miku,初音ミク"\r
highres,5,800,hires\r
broken row\r
"open,1,2,\r
somebody,1,3,\r
rating:safe,0,1,\r
weird,42,1,\r
`;

/** The numbers of a report that are not zero. */
function countsOf(report: TagImportReport): Record<string, number> {
  const counts = Object.entries(report).filter(([name, value]) =>
    typeof value === "number" && value !== 0 && name !== "elapsedMs"
  );
  return Object.fromEntries(counts) as Record<string, number>;
}

async function writeList(folder: string, content: string | Uint8Array<ArrayBuffer>) {
  const path = join(folder, "list.csv");
  await Deno.writeFile(
    path,
    typeof content === "string" ? new TextEncoder().encode(content) : content,
  );
  return path;
}

async function find({ library }: SampleLibrary, query: string): Promise<number> {
  return (await search(library.core.cache.current, parseQuery(query))).total;
}

function dump({ library }: SampleLibrary): unknown[] {
  return ["tag_catalogue", "tag_aliases", "list_aliases", "tags", "stale_tag_columns", "journal"]
    .map((table) => rowsOf(library.core.reader, `SELECT * FROM ${table} ORDER BY 1`));
}

Deno.test("importTagCsv() sorts tags, resolves aliases, reports bad rows, and is done once", () =>
  withLibrary(async (sample) => {
    const { library, folder, source } = sample;
    const path = await writePicture(join(source, "a.png"), 1, {
      ".txt": "hatsune miku\nhighres\nsolo",
    });
    await importSource(sample);
    await library.core.cache.loadDataFromDb({ verbose: false });
    const list = await writeList(folder, `\ufeff${LIST}`);

    const dry = await importTagCsv(library, list, { dryRun: true });
    const counts = { rows: 3, added: 3, categoriesChanged: 2, aliasesAdded: 3, badRows: 4 };
    assertEquals(countsOf(dry), counts);
    const before = dump(sample);
    assertEquals(before[0], []);

    const report = await importTagCsv(library, list);
    assertEquals(countsOf(report), counts);
    assertEquals([report.numbering, report.isGuess], ["danbooru", false]);
    assertEquals(report.faults.map(({ line }) => line), [4, 5, 7, 8]);
    assertEquals(report.faults[3].reason, "danbooru has no category 42");
    const md5 = await getFileMd5(path);
    assertEquals(tagsOf(library, md5), ["character:hatsune_miku", "general:solo", "meta:highres"]);
    assertEquals(
      [
        await find(sample, "初音ミク"),
        await find(sample, "hires char:miku"),
        await find(sample, "x"),
      ],
      [1, 1, 0],
    );
    checkDatabase(library.paths.database);

    const after = dump(sample);
    const again = await importTagCsv(library, list);
    assertEquals(countsOf(again), { rows: 3, unchanged: 3, aliasesUnchanged: 3, badRows: 4 });
    assertEquals(dump(sample), after);
  }));

Deno.test("importTagCsv() lets later imports of pictures use categories and aliases", () =>
  withLibrary(async (sample) => {
    const { library, folder, source } = sample;
    await importTagCsv(library, await writeList(folder, LIST));
    const path = await writePicture(join(source, "a.png"), 1, { ".txt": "miku\nsomebody\nhires" });
    await importSource(sample);
    assertEquals(tagsOf(library, await getFileMd5(path)), [
      ...["artist:somebody", "character:hatsune_miku", "meta:highres"],
    ]);
  }));

Deno.test("importTagCsv() refuses what is no tag list, says why, and changes nothing", () =>
  withLibrary(async (sample) => {
    const { library, folder } = sample;
    const before = dump(sample);
    const cases: [content: string | Uint8Array<ArrayBuffer>, code: string, named: string][] = [
      ["", "bad_request", "empty"],
      ["\n\r\n\n", "bad_request", "empty"],
      ["name,category,post_count\n", "bad_request", "no rows"],
      ["just words\nand more\n", "bad_request", "line 1"],
      [Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0, 0, 1), "bad_request", "tag"],
      [Uint8Array.of(0x61, 0, 0x2c, 0, 0x30, 0), "bad_request", "no text"],
      [Uint8Array.of(0x1f, 0x8b, 1, 2, 3), "bad_request", "gzip"],
      ["a,0,1\nb,6,1\nc,9,1\n", "bad_request", "0, 6, 9"],
    ];
    for (const [content, code, named] of cases) {
      const path = await writeList(folder, content);
      const error = await assertRejects(() => importTagCsv(library, path), AppError);
      assertEquals([error.code, error.message.includes(path)], [code, true], error.message);
      assert(error.message.includes(named), error.message);
      assert(error.remedy !== undefined);
    }
    for (const [path, code] of [[folder, "bad_request"], [join(folder, "no"), "not_found"]]) {
      const error = await assertRejects(() => importTagCsv(library, path), AppError);
      assertEquals([error.code, error.message.includes(path)], [code, true]);
    }
    assertEquals(dump(sample), before);
  }));

Deno.test("importTagCsv() takes the numbering that is given, and reads gzip", () =>
  withLibrary(async ({ library, folder }) => {
    const rows = new Blob(["a,5,1\nb,7,1\n"]).stream().pipeThrough(new CompressionStream("gzip"));
    const path = await writeList(folder, new Uint8Array(await new Response(rows).arrayBuffer()));
    const categories = async (numbering: "danbooru" | "e621" | "merged") => {
      const report = await importTagCsv(library, path, { numbering });
      const found = rowsOf<[string, string]>(
        library.core.reader,
        "SELECT name, category FROM tag_catalogue WHERE numbering = ? ORDER BY name",
        numbering,
      );
      return [found.flat().join(" "), report.badRows];
    };
    assertEquals(await categories("danbooru"), ["a meta", 1]);
    assertEquals(await categories("e621"), ["a species b meta", 0]);
    assertEquals(await categories("merged"), ["a meta b general", 0]);
    const guessed = await importTagCsv(library, path, { dryRun: true });
    assertEquals([guessed.numbering, guessed.isGuess], ["e621", true]);
    const named = await importTagCsv(library, path, { dryRun: true, fileName: "merged.csv.gz" });
    assertEquals([named.numbering, named.isGuess], ["merged", false]);
  }));

Deno.test("importTagCsv() stops where it is cancelled and goes on the next time", () =>
  withLibrary(async ({ library, folder }) => {
    const rows = Array.from({ length: 12_000 }, (_, i) => `tag_${i},0,1,alias_${i}`);
    const path = await writeList(folder, rows.join("\n"));
    const controller = new AbortController();
    await assertRejects(
      () =>
        importTagCsv(library, path, {
          signal: controller.signal,
          onProgress: () => controller.abort(new AppError("cancelled", "enough")),
        }),
      AppError,
      "enough",
    );
    const [[count]] = rowsOf<[number]>(library.core.reader, "SELECT count(*) FROM tag_catalogue");
    assert(count > 0 && count < 12_000, `${count}`);
    const report = await importTagCsv(library, path);
    assertEquals([report.added, report.unchanged], [12_000 - count, count]);
    assertEquals(report.aliasesAdded + report.aliasesUnchanged, 12_000);
  }));

fullTierTest(
  "importTagCsv() counts 200,000 rows, and the images of tags that get categories",
  () =>
    withLibrary(async (sample) => {
      const { library, folder, source } = sample;
      for (let i = 0; i < 20; i++) {
        await writePicture(join(source, `${i}.png`), i, { ".txt": `tag_${i}\ntag_${i + 1}` });
      }
      await importSource(sample);
      const lines = ["id,name,category,post_count,aliases"];
      for (let i = 0; i < 200_000; i++) {
        const aliases = i % 2 === 0 ? `"other_${i},another_${i}"` : "";
        lines.push(
          i % 1_000 === 999 ? `${i},,x` : `${i},tag_${i},${[0, 1, 3, 4][i % 4]},${i},${aliases}`,
        );
      }
      const path = await writeList(folder, lines.join("\n"));
      const report = await importTagCsv(library, path);
      assertEquals(countsOf(report), {
        rows: 199_800,
        added: 199_800,
        categoriesChanged: 15,
        aliasesAdded: 200_000,
        badRows: 200,
      });
      console.log(`200,000 rows with 200,000 aliases: ${(report.elapsedMs / 1_000).toFixed(1)} s`);
      checkDatabase(library.paths.database);
      const again = await importTagCsv(library, path);
      assertEquals(countsOf(again), {
        rows: 199_800,
        unchanged: 199_800,
        aliasesUnchanged: 200_000,
        badRows: 200,
      });
    }),
);
