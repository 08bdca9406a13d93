import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { importTagCsv } from "../../src/library/tags_import.ts";
import { resumeTagWork } from "../../src/library/resume_tag_work.ts";
import { getSourcePriority, setSourcePriority } from "../../src/library/switch_source.ts";
import { AppError } from "../../src/base/errors.ts";
import { countStaleTagColumns } from "../../src/store/stale_tag_columns.ts";
import {
  checkDatabase,
  importSource,
  rowsOf,
  withLibrary,
  writePicture,
} from "../support/sample_library.ts";

const DANBOORU = { id: 11, tag_string_general: "solo", rating: "s" };
const E621 = { id: 9, tags: { general: ["dog"] }, rating: "q" };

Deno.test("resumeTagWork() ends what an interruption left, and starts nothing without need", () =>
  withLibrary(async (sample) => {
    const { library, folder, source } = sample;
    await writePicture(join(source, "a.png"), 1, { ".json": DANBOORU });
    const other = { ...E621, category: "e621" };
    await Deno.writeTextFile(join(source, "a.json"), JSON.stringify(other));
    await importSource(sample);
    resumeTagWork(library);
    assertEquals(library.tasks.list(), []);

    const list = join(folder, "list.csv");
    await Deno.writeTextFile(list, "solo,5,1,\n");
    const stop = new AbortController();
    const options = {
      signal: stop.signal,
      onProgress: () => stop.abort(new AppError("cancelled", "enough")),
    };
    await importTagCsv(library, list, options).catch(() => null);
    const priority = setSourcePriority(library, ["e621"], { signal: stop.signal });
    await priority.catch(() => null);
    const { reader } = library.core;
    const source1 = () => rowsOf(reader, "SELECT active_source, tags_meta FROM images");
    assertEquals([countStaleTagColumns(reader), source1()], [1, [["merged", ""]]]);
    assertEquals(getSourcePriority(library), ["e621"]);

    resumeTagWork(library);
    assertEquals(library.tasks.list().map(({ kind }) => kind).sort(), [
      ...["source_priority", "tag_columns"],
    ]);
    const ended = Promise.withResolvers<void>();
    const look = () => {
      if (library.tasks.list().every(({ state }) => state === "succeeded")) ended.resolve();
    };
    library.tasks.events.on("changed", look);
    look();
    await ended.promise;
    assertEquals([countStaleTagColumns(reader), source1()], [0, [["e621", ""]]]);
    assertEquals(rowsOf(reader, "SELECT category FROM tags WHERE name = 'solo'"), [["meta"]]);
    checkDatabase(library.paths.database);
  }));
