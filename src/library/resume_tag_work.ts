import { countStaleTagColumns } from "../store/stale_tag_columns.ts";
import type { Library } from "./library.ts";
import { applySourcePriority, isSourcePriorityPending } from "./switch_source.ts";
import { finishTagColumns } from "./tag_columns.ts";

/** Goes on, as tasks, with what an interrupted import of a tag list or order of sources left to do. */
export function resumeTagWork(library: Library): void {
  const { tasks, core: { reader } } = library;
  if (countStaleTagColumns(reader) > 0) {
    tasks.start("tag_columns", async ({ signal, report }) => ({
      images: await finishTagColumns(library, {
        signal,
        onProgress: (done, total) => report({ done, total, message: "Writing tags of images" }),
      }),
    }));
  }
  if (isSourcePriorityPending(library)) {
    tasks.start("source_priority", ({ signal, report }) =>
      applySourcePriority(library, {
        signal,
        onProgress: (done, total) => report({ done, total, message: "Looking at images" }),
      }));
  }
}
