import { trimChangeLog } from "../src/store/change_log.ts";
import { type Database, explain, openWriter } from "../src/store/database.ts";
import { setFavourite } from "../src/store/favourites.ts";
import { importImages } from "../src/store/import_images.ts";
import { prepareDatabase } from "../src/store/migrate.ts";
import { writeBlacklist } from "../src/store/owner_settings.ts";
import { deletePool, savePool } from "../src/store/pools.ts";
import { editPost } from "../src/store/post_edits.ts";
import { ensureRoot } from "../src/store/roots.ts";
import { editTags } from "../src/store/tags.ts";
import { putBack, setTrashState, takeOut } from "../src/store/trash.ts";
import type { WriterContract } from "../src/worker/contracts.ts";
import { serve } from "../src/worker/serve.ts";

type Connection = { db: Database; path: string };
let connection: Connection | undefined;
/** The database to go on with when this worker replaces one that died. */
let inheritedPath: string | undefined;

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
