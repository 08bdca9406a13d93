import { scanAndRemoveDuplicates } from "../library/dedupe.ts";
import type { DedupeReport } from "../library/dedupe_report.ts";
import { openLibrary } from "../library/library.ts";
import type { DedupeRun } from "./dedupe.ts";

/** Searches for copies with the whole library open: to move them to the trash, or to remember hashes. */
export async function runDedupeWriting(
  { library: folder, options }: DedupeRun,
): Promise<DedupeReport> {
  const library = await openLibrary({ folder, command: "dedupe", mustExist: true });
  try {
    return await scanAndRemoveDuplicates(library, options);
  } finally {
    await library.close();
  }
}
