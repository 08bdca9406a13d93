/*
 * A program that edits all images of a library and tells each batch: it is there to be killed while it does.
 */
import { editTagsOfSearch } from "../../src/library/bulk_edit.ts";
import { openLibrary } from "../../src/library/library.ts";

if (import.meta.main) {
  const library = await openLibrary({ folder: Deno.args[0], workers: 1 });
  await library.core.cache.loadDataFromDb({ verbose: false });
  library.tasks.start("bulk-edit", async ({ signal }) => {
    const edit = { query: "a", add: ["done"], remove: ["odd"], dryRun: false };
    await editTagsOfSearch(library, edit, { signal, onProgress: ({ done }) => console.log(done) });
  });
}
