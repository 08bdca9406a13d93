import type { PackedAliases } from "../src/cache/alias_table.ts";
import { ColumnsBuilder, indexTagNames } from "../src/cache/columns_builder.ts";
import { toMessage } from "../src/base/errors.ts";
import { columnBuffers, type ImageColumns } from "../src/cache/image_columns.ts";
import type { PackedPools } from "../src/cache/pool_table.ts";
import { loadSnapshot, saveSnapshot, type SnapshotFacts } from "../src/cache/snapshot_file.ts";
import { hasChangeLog, readPosition } from "../src/store/change_log.ts";
import { type Database, explain, openReader } from "../src/store/database.ts";
import {
  hasRequiredTables,
  type LibrarySizes,
  readMetadataBatch,
  readPackedImages,
  readPackedLinks,
  readPackedNumbers,
  readPackedTags,
  readSizes,
} from "../src/store/read_columns.ts";
import { readPackedAliases, readPackedPools } from "../src/store/read_small_tables.ts";
import { isContinuation, readGuard, type SnapshotGuard } from "../src/store/snapshot_guard.ts";
import { TAG_CATEGORIES } from "../src/tags/category.ts";
import { FILE_TYPES } from "../src/tags/file_types.ts";
import { RATINGS } from "../src/tags/ratings.ts";
import { VERSION } from "../src/version.ts";
import type { LoadedTables, LoaderContract } from "../src/worker/contracts.ts";
import { move } from "../src/worker/protocol.ts";
import { serve } from "../src/worker/serve.ts";

/** The load that is under way: its read transaction stays open between the calls. */
type Load = {
  db: Database;
  path: string;
  sizes: LibrarySizes;
  metadataAfter: number;
  builder: ColumnsBuilder | undefined;
  steps: Iterator<"images" | "tags"> | undefined;
};
let load: Load | undefined;

/**
 * What the columns hold besides the database's own values: another version of the program, or another
 * numbering of categories, ratings and file types, must not read them.
 */
const DERIVATION = JSON.stringify([VERSION, TAG_CATEGORIES, RATINGS, FILE_TYPES]);

/** One answer of `readSome` takes about so long: long enough to be worth its message. */
const STEP_MS = 40;

function end(): void {
  load?.db.close();
  load = undefined;
}

/** Fills the columns batch by batch. */
function* fill(
  db: Database,
  builder: ColumnsBuilder,
  imageIdMax: number,
): Generator<"images" | "tags"> {
  for (const batch of readPackedImages(db)) {
    builder.addImages(batch);
    yield "images";
  }
  for (const batch of readPackedNumbers(db)) builder.addNumbers(batch);
  for (const batch of readPackedLinks(db, imageIdMax)) {
    builder.addLinks(batch);
    yield "tags";
  }
}

/** The small tables, as the open read transaction shows them. */
function readSmallTables(db: Database): { pools: PackedPools; aliases: PackedAliases } {
  return { pools: readPackedPools(db), aliases: readPackedAliases(db) };
}

/** What to hand over with the tables of a load. */
function tableBuffers({ columns, pools, aliases }: LoadedTables): ArrayBuffer[] {
  return [
    ...columnBuffers(columns),
    ...[pools.poolId, pools.imageCount, pools.imageId].map((column) => column.buffer),
    ...[pools.texts, aliases].flatMap(({ bytes, length }) => [bytes.buffer, length.buffer]),
  ];
}

/** Runs one part of the load; a failure ends it, named after the database. */
function attempt<T>(part: (load: Load) => T): T {
  const { path } = current();
  try {
    return part(current());
  } catch (error) {
    end();
    throw explain(error, path);
  }
}

function current(): NonNullable<typeof load> {
  if (load === undefined) throw new TypeError("Cannot read: no load is open");
  return load;
}

/** A cache that cannot be written must not make a library unloadable. */
function trySave(path: string, columns: ImageColumns, facts: SnapshotFacts): string | null {
  try {
    saveSnapshot(path, columns, facts);
    return null;
  } catch (error) {
    return toMessage(error);
  }
}

serve<LoaderContract>({
  open: ({ path }) => {
    end();
    const db = openReader(path);
    const sizes = { images: 0, links: 0, pathBytes: 0, metadata: 0, imageIdMax: 0 };
    load = { db, path, sizes, metadataAfter: -1, builder: undefined, steps: undefined };
    return attempt((own) => {
      db.exec("BEGIN");
      if (!hasRequiredTables(db)) {
        end();
        return null;
      }
      own.sizes = readSizes(db);
      return { sizes: own.sizes, position: hasChangeLog(db) ? readPosition(db) : null };
    });
  },
  readMetadata: () =>
    attempt((own) => {
      const batch = own.sizes.metadata === 0 ? null : readMetadataBatch(own.db, own.metadataAfter);
      if (batch === null) return null;
      own.metadataAfter = batch.imageId[batch.imageId.length - 1];
      return move(batch, [batch.imageId.buffer, batch.length.buffer, batch.bytes.buffer]);
    }),
  readSome: () =>
    attempt((own) => {
      own.builder ??= new ColumnsBuilder({
        ...own.sizes,
        tags: indexTagNames(readPackedTags(own.db)),
      });
      own.steps ??= fill(own.db, own.builder, own.sizes.imageIdMax);
      const endAt = performance.now() + STEP_MS;
      let stage: "images" | "tags" = "images";
      let isDone = false;
      while (!isDone && performance.now() < endAt) {
        const step = own.steps.next();
        isDone = step.done === true;
        if (!step.done) stage = step.value;
      }
      const { images, linked } = own.builder.progress;
      return { stage, done: stage === "images" ? images : linked, isDone };
    }),
  readSnapshot: ({ path, snapshotPath }) => {
    const db = openReader(path);
    try {
      db.exec("BEGIN");
      const found = loadSnapshot(
        snapshotPath,
        ({ guard, derivation }) => derivation === DERIVATION && isContinuation(db, guard),
      );
      if (found === null) return null;
      const { sources, guard } = found.facts as { sources: string[]; guard: SnapshotGuard };
      const { position } = guard;
      // The small tables are newer than the columns; what the log says of them is read once more.
      const tables = { columns: found.columns, sources, ...readSmallTables(db) };
      return move({ ...tables, position }, tableBuffers(tables));
    } finally {
      db.close();
    }
  },
  readColumns: ({ posts, snapshotPath }) =>
    attempt((own) => {
      if (own.builder === undefined) {
        throw new TypeError("Cannot complete columns: nothing was read");
      }
      const built = own.builder.finish(posts);
      const guard = snapshotPath === null ? null : readGuard(own.db);
      const tables = { ...built, ...readSmallTables(own.db) };
      end();
      const facts = { guard, sources: built.sources, derivation: DERIVATION };
      const snapshotFault = snapshotPath === null || guard === null
        ? null
        : trySave(snapshotPath, built.columns, facts);
      return move({ ...tables, snapshotFault }, tableBuffers(tables));
    }),
  abandon: () => {
    end();
    return null;
  },
  readAliases: ({ path }) => {
    const db = openReader(path);
    try {
      const aliases = readPackedAliases(db);
      return move(aliases, [aliases.bytes.buffer, aliases.length.buffer]);
    } catch (error) {
      throw explain(error, path);
    } finally {
      db.close();
    }
  },
  readTags: ({ path }) => {
    const db = openReader(path);
    try {
      if (!hasRequiredTables(db)) return null;
      const tags = readPackedTags(db);
      return move(tags, Object.values(tags).map((column) => column.buffer));
    } catch (error) {
      throw explain(error, path);
    } finally {
      db.close();
    }
  },
});
