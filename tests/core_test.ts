import { assertEquals } from "@std/assert";
import * as core from "../src/core.ts";

/** The seed's names and what was asked for beside them, as this program spells them. */
const FUNCTIONS = [
  ...["scanAndRemoveDuplicates", "removeDuplicate"],
  ...["getThumbnailPath", "getBucketedPath", "getFileMd5", "sanitizeFilenameForFs"],
  ...["configureLogging", "log", "parseLogLevel", "openLogFile"],
  ...["readMemory", "batchSizeFor"],
  ...["importTagCsv", "extractPost", "mergeTagSources", "switchActiveSource", "setSourcePriority"],
  ...["addImplication", "approveImplication", "removeImplication", "previewImplication"],
  ...["addAlias", "approveAlias", "removeAlias", "previewAlias"],
  ...["readVideoFacts", "grabFrame", "readFfmpegVersion"],
  ...["detectGpu", "findGpu"],
  ...["TaskRunner", "WatchService", "CacheManager", "CacheEvents", "TagIdCache"],
  ...["openCore", "openLibrary", "importFolders", "editImageTags", "editTagsOfSearch"],
  ...["listTrash", "moveToTrash", "restoreFromTrash", "emptyTrash"],
  ...["listHistory", "undoEdit", "undoOperation", "continueOperation"],
  ...["checkLibrary", "rebuildLibrary", "refreshLibrary"],
  ...["backupLibrary", "listBackups", "restoreBackup", "exportLibrary"],
];

Deno.test("the core exports every utility under its name", () => {
  const exported = new Map<string, unknown>(Object.entries(core));
  const missing = FUNCTIONS.filter((name) => typeof exported.get(name) !== "function");
  assertEquals(missing, []);
});

Deno.test("the core leaves out what belongs to the server", () => {
  const server = ["apiHandler", "requireSecret", "requireJsonBody", "buildApp"];
  assertEquals(server.filter((name) => name in core), []);
});
