import { ColumnsBuilder } from "../src/cache/columns_builder.ts";
import { columnBuffers } from "../src/cache/image_columns.ts";
import { hasChangeLog, readPosition } from "../src/store/change_log.ts";
import { type Database, explain, openReader } from "../src/store/database.ts";
import {
  hasRequiredTables,
  type LibrarySizes,
  readMetadataBatch,
  readPackedImages,
  readPackedLinks,
  readPackedTags,
  readSizes,
} from "../src/store/read_columns.ts";
import type { LoaderContract } from "../src/worker/contracts.ts";
import { move } from "../src/worker/protocol.ts";
import { serve } from "../src/worker/serve.ts";

/** The load that is under way: its read transaction stays open between the calls. */
let load: { db: Database; path: string; sizes: LibrarySizes; metadataAfter: number } | undefined;

function end(): void {
  load?.db.close();
  load = undefined;
}

function current(): NonNullable<typeof load> {
  if (load === undefined) throw new TypeError("Cannot read: no load is open");
  return load;
}

serve<LoaderContract>({
  open: ({ path }) => {
    end();
    const db = openReader(path);
    load = {
      db,
      path,
      sizes: { images: 0, links: 0, pathBytes: 0, metadata: 0, imageIdMax: 0 },
      metadataAfter: -1,
    };
    try {
      db.exec("BEGIN");
      if (!hasRequiredTables(db)) {
        end();
        return null;
      }
      load.sizes = readSizes(db);
      return { sizes: load.sizes, position: hasChangeLog(db) ? readPosition(db) : null };
    } catch (error) {
      end();
      throw explain(error, path);
    }
  },
  readMetadata: () => {
    const { db, path, sizes, metadataAfter } = current();
    try {
      const batch = sizes.metadata === 0 ? null : readMetadataBatch(db, metadataAfter);
      if (batch === null) return null;
      current().metadataAfter = batch.imageId[batch.imageId.length - 1];
      return move(batch, [batch.imageId.buffer, batch.length.buffer, batch.bytes.buffer]);
    } catch (error) {
      end();
      throw explain(error, path);
    }
  },
  readColumns: ({ posts }) => {
    const { db, path, sizes } = current();
    try {
      const builder = new ColumnsBuilder({ ...sizes, tags: readPackedTags(db) });
      for (const batch of readPackedImages(db)) builder.addImages(batch);
      for (const batch of readPackedLinks(db, sizes.imageIdMax)) builder.addLinks(batch);
      const built = builder.finish(posts);
      return move(built, columnBuffers(built.columns));
    } catch (error) {
      throw explain(error, path);
    } finally {
      end();
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
