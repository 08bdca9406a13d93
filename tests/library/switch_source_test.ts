import { assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import {
  findImageSources,
  getSourcePriority,
  setSourcePriority,
  switchActiveSource,
} from "../../src/library/switch_source.ts";
import { parseQuery } from "../../src/query/parser.ts";
import { search } from "../../src/query/search.ts";
import { DEFAULT_SOURCE_PRIORITY } from "../../src/tags/sources.ts";
import {
  checkDatabase,
  importSource,
  rowsOf,
  type SampleLibrary,
  withLibrary,
  writePicture,
} from "../support/sample_library.ts";

const DANBOORU = { id: 11, tag_string_general: "solo from_danbooru", rating: "s", score: 3 };
const E621 = {
  id: 9,
  file: { width: 1, height: 1 },
  score: { total: -4 },
  flags: {},
  tags: { general: ["solo", "from_e621"] },
  rating: "e",
};

/** Two pictures that both sites know. */
async function fill(sample: SampleLibrary): Promise<void> {
  for (const [i, name] of ["a", "b"].entries()) {
    await writePicture(join(sample.source, `${name}.png`), i, { ".json": DANBOORU });
    const other = JSON.stringify(E621);
    await Deno.writeTextFile(join(sample.source, `${name}.json`), other);
  }
  await importSource(sample);
  await sample.library.core.cache.loadDataFromDb({ verbose: false });
}

/** What searches, counts and details say at once after a change. */
async function look({ library }: SampleLibrary): Promise<Record<string, unknown>> {
  const snapshot = library.core.cache.current;
  const total = async (query: string) => (await search(snapshot, parseQuery(query))).total;
  const idOf = (name: string) => snapshot.tags.idOf(name)!;
  return {
    danbooru: await total("from_danbooru"),
    e621: await total("from_e621"),
    explicit: await total("rating:e"),
    lowScore: await total("score:-4"),
    counts: ["from_danbooru", "from_e621"].map((name) => snapshot.countOfTag(idOf(name))),
    likeFirst: (await library.similar.find(snapshot, 1, 5))?.map(({ id }) => id),
  };
}

Deno.test("switchActiveSource() is seen at once by searches, counts and similar images", () =>
  withLibrary(async (sample) => {
    await fill(sample);
    const { library } = sample;
    const merged = {
      danbooru: 2,
      e621: 2,
      explicit: 0,
      lowScore: 0,
      counts: [2, 2],
      likeFirst: [2],
    };
    assertEquals(await look(sample), merged);
    const change = await switchActiveSource(library, 1, "e621");
    assertEquals([change.source, change.removed], ["e621", ["from_danbooru", "rating:sensitive"]]);
    assertEquals(await look(sample), {
      ...merged,
      danbooru: 1,
      explicit: 1,
      lowScore: 1,
      counts: [1, 2],
    });
    assertEquals(findImageSources(library, 1), {
      active: "e621",
      choice: "e621",
      names: ["danbooru", "e621"],
    });
    await switchActiveSource(library, 1, null);
    assertEquals(await look(sample), merged);
    checkDatabase(library.paths.database);
    await assertRejects(() => switchActiveSource(library, 1, "pixiv"), AppError, '"pixiv"');
    await assertRejects(() => switchActiveSource(library, 99, null), AppError, "99");
  }));

Deno.test("setSourcePriority() is seen at once, and holds for what is imported later", () =>
  withLibrary(async (sample) => {
    await fill(sample);
    const { library } = sample;
    assertEquals(getSourcePriority(library), DEFAULT_SOURCE_PRIORITY);
    await switchActiveSource(library, 2, "danbooru");
    const progress: number[] = [];
    const report = await setSourcePriority(library, ["e621", "danbooru"], {
      onProgress: (done) => progress.push(done),
    });
    assertEquals([report, progress], [{ images: 2, changed: 1 }, [2]]);
    assertEquals(getSourcePriority(library), ["e621", "danbooru"]);
    assertEquals(await look(sample), {
      danbooru: 1,
      e621: 1,
      explicit: 1,
      lowScore: 1,
      counts: [1, 1],
      likeFirst: [2],
    });
    await writePicture(join(sample.source, "c.png"), 3, { ".json": DANBOORU });
    await Deno.writeTextFile(join(sample.source, "c.json"), JSON.stringify(E621));
    await importSource(sample);
    assertEquals(
      rowsOf(library.core.reader, "SELECT active_source, post_id, score FROM images ORDER BY id"),
      [["e621", 9, -4], ["danbooru", 11, 3], ["e621", 9, -4]],
    );
    checkDatabase(library.paths.database);
  }));

Deno.test("setSourcePriority() refuses names that no source can have, and changes nothing", () =>
  withLibrary(async ({ library }) => {
    for (const names of [["Danbooru"], [""], ["a b"], ["e621", "e621"], Array(101).fill("x")]) {
      const error = await assertRejects(() => setSourcePriority(library, names), AppError);
      assertEquals(error.code, "bad_request");
    }
    assertEquals(getSourcePriority(library), DEFAULT_SOURCE_PRIORITY);
  }));
