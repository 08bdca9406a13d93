import { TASKS_KEPT_MAX } from "../src/base/limits.ts";
import { addAlias, approveAlias, removeAlias } from "../src/store/aliases.ts";
import { finishRestore } from "../src/store/backup.ts";
import { runOperationBatch, startBulkEdit, startUndo } from "../src/store/bulk_edit.ts";
import { trimChangeLog } from "../src/store/change_log.ts";
import { repairDatabase } from "../src/store/check_repairs.ts";
import { type Database, explain, openWriter } from "../src/store/database.ts";
import { setFavourite } from "../src/store/favourites.ts";
import { mergeFullText } from "../src/store/full_text_batches.ts";
import {
  addImplication,
  approveImplication,
  removeImplication,
} from "../src/store/implications.ts";
import { forgetHashes, rememberHashes } from "../src/store/file_hashes.ts";
import { importLibraryPart } from "../src/store/import_library.ts";
import { importImages } from "../src/store/import_images.ts";
import { finishScan, markPlaces } from "../src/store/missing_files.ts";
import { prepareDatabase } from "../src/store/migrate.ts";
import { interruptOperation, interruptOperations } from "../src/store/operations.ts";
import { writeBlacklist } from "../src/store/owner_settings.ts";
import { deletePool, savePool } from "../src/store/pools.ts";
import { editPost } from "../src/store/post_edits.ts";
import { adoptManifest, rederiveTags, writeFoundFacts } from "../src/store/rebuild.ts";
import { ensureRoot } from "../src/store/roots.ts";
import { Salvage } from "../src/store/salvage.ts";
import { followSourcePriority } from "../src/store/follow_priority.ts";
import { saveSourcePriority } from "../src/store/source_priority.ts";
import { writeStaleTagColumns } from "../src/store/stale_tag_columns.ts";
import { switchSource } from "../src/store/switch_source.ts";
import { TagListImport } from "../src/store/tag_import.ts";
import { editTags } from "../src/store/tags.ts";
import { continueTagRuleJob } from "../src/store/tag_rule_jobs.ts";
import { interruptTasks, saveTask } from "../src/store/tasks.ts";
import {
  dropTrashEntries,
  putBack,
  setTrashState,
  setTrashStates,
  takeOut,
} from "../src/store/trash.ts";
import {
  leaveCopy,
  putCopyBack,
  takeCopies,
  writeTrashKeepDays,
} from "../src/store/trash_copies.ts";
import { undoEdit } from "../src/store/undo.ts";
import type { WriterContract } from "../src/worker/contracts.ts";
import { serve } from "../src/worker/serve.ts";

type Connection = { db: Database; path: string };
let connection: Connection | undefined;
/** The database to go on with when this worker replaces one that died. */
let inheritedPath: string | undefined;
/** The tag list that is being imported. */
let tagList: TagListImport | undefined;
/** The database that is being copied into a new one. */
let salvage: Salvage | undefined;
/** One answer of `salvageSome` takes about so long. */
const SALVAGE_STEP_MS = 100;

/**
 * Connects, and makes sure of write-ahead logging: rescued or copied databases come without it, and then
 * readers and the writer would block each other.
 */
function connect(path: string): Connection {
  const db = openWriter(path);
  db.exec("PRAGMA journal_mode = WAL");
  return { db, path };
}

/** Runs one write transaction: all of it is committed and synced, or none of it. */
function write<T>(change: (db: Database) => T): T {
  if (connection === undefined && inheritedPath !== undefined) connection = connect(inheritedPath);
  if (connection === undefined) throw new TypeError("Cannot write: the database is not open");
  const { db, path } = connection;
  try {
    return db.transaction(() => change(db)).immediate();
  } catch (error) {
    throw explain(error, path);
  }
}

/** As {@link write}, for changes with nothing to tell: messages have null and not undefined. */
function writeSilently(change: (db: Database) => void): null {
  write(change);
  return null;
}

serve<WriterContract>({
  open: async ({ path, backupPath }) => {
    const preparation = await prepareDatabase(path, backupPath);
    connection = connect(path);
    return preparation;
  },
  inherit: ({ path }) => {
    inheritedPath = path;
    return null;
  },
  importImages: ({ items }) => write((db) => importImages(db, items)),
  editTags: (edit) => write((db) => editTags(db, edit)),
  editPost: (edit) => write((db) => editPost(db, edit)),
  undoEdit: (request) => write((db) => undoEdit(db, request)),
  startBulkEdit: (edit) => write((db) => ({ operationId: startBulkEdit(db, edit) })),
  startUndo: (request) => write((db) => ({ operationId: startUndo(db, request) })),
  runOperationBatch: ({ operationId, forMs }) =>
    write((db) => runOperationBatch(db, operationId, forMs)),
  interruptOperation: (request) => write((db) => interruptOperation(db, request)),
  mergeFullText: () => write((db) => ({ isMore: mergeFullText(db) })),
  setFavourite: (favourite) => writeSilently((db) => setFavourite(db, favourite)),
  savePool: (change) => write((db) => ({ poolId: savePool(db, change) })),
  deletePool: ({ id }) => writeSilently((db) => deletePool(db, id)),
  writeBlacklist: ({ lines }) => writeSilently((db) => writeBlacklist(db, lines)),
  ensureRoot: (root) => write((db) => ensureRoot(db, root)),
  takeOut: ({ manifest }) => write((db) => ({ entryId: takeOut(db, manifest) })),
  setTrashState: ({ id, state, manifest }) =>
    write((db) => {
      setTrashState(db, { id, state, manifest: manifest ?? undefined });
      return null;
    }),
  putBack: ({ entry }) => write((db) => ({ imageId: putBack(db, entry) })),
  takeCopies: ({ plans }) => write((db) => takeCopies(db, plans)),
  finishCopies: ({ entryIds }) => writeSilently((db) => setTrashStates(db, entryIds, "trashed")),
  leaveCopy: (entry) => writeSilently((db) => leaveCopy(db, entry)),
  putCopyBack: (copy) => write((db) => ({ imageId: putCopyBack(db, copy) })),
  beginEmptying: ({ entryIds }) => writeSilently((db) => setTrashStates(db, entryIds, "emptying")),
  dropTrashEntries: ({ entryIds }) => writeSilently((db) => dropTrashEntries(db, entryIds)),
  setTrashKeepDays: ({ days }) => writeSilently((db) => writeTrashKeepDays(db, days)),
  keepHashes: ({ hashes, gone }) =>
    writeSilently((db) => {
      rememberHashes(db, hashes);
      forgetHashes(db, gone);
    }),
  saveTask: ({ record }) => writeSilently((db) => saveTask(db, record, TASKS_KEPT_MAX)),
  interruptTasks: ({ endedAtMs }) =>
    writeSilently((db) => {
      interruptTasks(db, endedAtMs);
      interruptOperations(db);
    }),
  openTagList: async (request) => {
    await tagList?.close();
    tagList = undefined;
    tagList = await TagListImport.open(request);
    return tagList.survey;
  },
  importTagRows: () => {
    if (tagList === undefined) throw new TypeError("Cannot import rows: no tag list is open");
    return tagList.step(write);
  },
  closeTagList: async () => {
    await tagList?.close();
    tagList = undefined;
    return null;
  },
  writeStaleTagColumns: () => write((db) => ({ written: writeStaleTagColumns(db) })),
  switchSource: (request) => write((db) => switchSource(db, request)),
  saveSourcePriority: (request) => writeSilently((db) => saveSourcePriority(db, request)),
  followSourcePriority: () => write(followSourcePriority),
  markPlaces: (findings) => write((db) => markPlaces(db, findings)),
  finishScan: (scan) => writeSilently((db) => finishScan(db, scan)),
  addImplication: (wanted) => write((db) => addImplication(db, wanted)),
  approveImplication: (ids) => write((db) => approveImplication(db, ids)),
  removeImplication: (ids) => write((db) => removeImplication(db, ids)),
  addAlias: (wanted) => write((db) => addAlias(db, wanted)),
  approveAlias: (wanted) => write((db) => approveAlias(db, wanted)),
  removeAlias: ({ antecedent }) => write((db) => removeAlias(db, antecedent)),
  continueTagRuleJob: (step) => write((db) => continueTagRuleJob(db, step)),
  repairDatabase: (repair) => write((db) => repairDatabase(db, repair)),
  rederiveTags: ({ afterId }) => write((db) => rederiveTags(db, afterId)),
  writeFoundFacts: ({ found }) => write((db) => ({ changed: writeFoundFacts(db, found) })),
  adoptManifest: (found) => write((db) => ({ isAdopted: adoptManifest(db, found) })),
  openSalvage: (paths) => {
    salvage?.close();
    salvage = new Salvage(paths);
    return null;
  },
  salvageSome: () => {
    if (salvage === undefined) throw new TypeError("Cannot copy rows: no database is open");
    return salvage.step(SALVAGE_STEP_MS);
  },
  closeSalvage: () => {
    salvage?.close();
    salvage = undefined;
    return null;
  },
  importLibraryPart: ({ part }) => write((db) => importLibraryPart(db, part)),
  finishRestore: ({ findings }) => writeSilently((db) => finishRestore(db, findings)),
  tidy: () => {
    write(trimChangeLog);
    connection?.db.exec("PRAGMA wal_checkpoint(PASSIVE)");
    return null;
  },
  disconnect: () => {
    connection?.db.close();
    connection = undefined;
    return null;
  },
});
