import * as z from "zod";
import type { BackupFile } from "../../library/backup_files.ts";
import { CHECK_KIND_NAMES } from "../../library/check_kinds.ts";
import type { CacheStats } from "../../library/image_details.ts";
import type { TrashView } from "../../library/trash_list.ts";
import type { WatchRootStatus } from "../../library/watched_root.ts";
import type { GpuFindings } from "../../system/gpu.ts";
import type { StallFigures } from "../../system/stalls.ts";
import {
  COUNT,
  IMAGE,
  MOMENT,
  named,
  NAMES,
  NUMBER_ID,
  saying,
  TASK,
  TEXT_OR_NULL,
} from "./schemas.ts";

const GPU = z.strictObject({
  kind: z.enum(["cuda", "rocm", "xpu", "mps", "webgpu", "cpu"]),
  name: z.string(),
  memoryBytes: COUNT.nullable(),
  source: z.string().describe("Who said so"),
});

/** Devices that can compute. */
export const GPUS = named(
  "Gpus",
  saying<GpuFindings>()(z.strictObject({
    devices: z.array(GPU),
    best: GPU.describe("The most able of them; the processor at least"),
  })),
);

const CACHE = saying<CacheStats>()(z.strictObject({
  hits: COUNT,
  misses: COUNT,
  hitRate: z.number().min(0).max(1),
  size: COUNT,
}));

/** Answer of `GET /api/status`. */
export const STATUS_REPORT = z.strictObject({
  version: z.string(),
  generation: COUNT.describe("Grows with every change that is shown"),
  loading: z.boolean(),
  progress: z.strictObject({ done: COUNT, total: COUNT }).nullable(),
  images: COUNT,
  tags: COUNT.describe("Tags that images have"),
  tagLinks: COUNT.describe("Tags of all images together"),
  postIds: COUNT,
  loadMs: z.number().nullable(),
  loadedFrom: z.enum(["database", "snapshot"]),
  video: z.strictObject({ ffmpeg: TEXT_OR_NULL.describe("Its version; null: there is none") }),
  memory: z.strictObject({
    rssBytes: COUNT,
    heapUsedBytes: COUNT,
    externalBytes: COUNT,
    availableBytes: COUNT.nullable(),
    totalBytes: COUNT.nullable(),
  }),
  gpu: GPUS.nullable().describe("Null until somebody asked: POST /api/gpu"),
  caches: z.strictObject({
    imageDetails: CACHE,
    similarityWeights: CACHE,
    similarImages: CACHE,
    searchPages: CACHE,
  }),
  stalls: saying<StallFigures>()(z.strictObject({ p99Ms: z.number(), maxMs: z.number() }))
    .describe("How late timers were, last minute"),
});

/** Answer of `GET /api/tasks`. */
export const TASKS = z.strictObject({ tasks: z.array(TASK) });

/** Answer of `GET /api/backups`. */
export const BACKUPS = z.strictObject({
  backups: z.array(
    saying<Omit<BackupFile, "path">>()(z.strictObject({
      name: z.string(),
      kind: z.enum(["backup", "before-restore", "before-rebuild", "before-migration"]),
      madeAt: MOMENT,
      sizeBytes: COUNT,
      hasChecksum: z.boolean(),
    })),
  ),
});

/** Answer of `GET /api/check/kinds`. */
export const CHECK_KIND_LIST = z.strictObject({
  kinds: z.array(z.strictObject({
    name: z.enum(CHECK_KIND_NAMES),
    title: z.string(),
    remedy: z.string(),
    repair: TEXT_OR_NULL.describe("What repair does about it; null: it needs a person"),
    isNote: z.boolean().describe("Whether a sound library has it too"),
  })),
});

/** Answer of `GET /api/trash`. */
export const TRASH_PAGE = z.strictObject({
  total: COUNT,
  entries: z.array(
    saying<TrashView>()(z.strictObject({
      id: NUMBER_ID,
      kind: z.enum(["image", "duplicate"]),
      state: z.enum(["moving", "trashed", "restoring", "emptying"]),
      imageId: NUMBER_ID.nullable(),
      md5: z.string(),
      filepath: z.string(),
      kept: TEXT_OR_NULL.describe("Of a copy: the file that was kept"),
      trashedAtMs: z.number().describe("Milliseconds since 1970"),
      sizeBytes: COUNT.nullable(),
      tags: NAMES,
    })),
  ),
  next: NUMBER_ID.nullable().describe("The page parameter of the next page; null on the last"),
  keepDays: NUMBER_ID.nullable().describe("After how many days entries go; null: never"),
});

/** Answer of `PUT /api/trash/settings`. */
export const TRASH_KEEPING = z.strictObject({ keepDays: NUMBER_ID.nullable() });

/** Answer of `POST /api/trash/:id/restore`. */
export const RESTORED = z.strictObject({
  id: NUMBER_ID.nullable().describe("The image; null: no image has the content of this copy"),
  kind: z.enum(["image", "duplicate"]),
  filepath: z.string().describe("Where the file is now"),
});

/** Answer of `DELETE /api/trash/:id`. */
export const EMPTIED = z.strictObject({ id: NUMBER_ID, freedBytes: COUNT });

/** Answer of `DELETE /api/images/:id`. */
export const TRASHED = z.strictObject({ id: NUMBER_ID, trashId: NUMBER_ID });

/** Answer of `GET /api/watch`. */
export const WATCH = z.strictObject({
  isWatching: z.boolean(),
  roots: z.array(
    saying<WatchRootStatus>()(z.strictObject({
      name: z.string(),
      path: z.string(),
      mode: z.enum(["ingest", "in-place"]),
      state: z.enum(["stopped", "scanning", "watching", "unavailable", "asks"]),
      message: TEXT_OR_NULL,
      missingAsked: COUNT.nullable().describe("Files that are missing while it asks"),
      editedAsked: COUNT.nullable().describe("Files whose content is another one while it asks"),
      isLive: z.boolean().describe("Whether changes are seen at once"),
      filesSeen: COUNT,
      lastScanAt: MOMENT.nullable(),
      queued: COUNT,
      problems: z.array(
        z.strictObject({ path: z.string(), code: z.string(), reason: z.string(), at: MOMENT }),
      ),
      added: COUNT,
      known: COUNT.describe("Files whose content the library had"),
      replaced: COUNT,
      moved: COUNT,
      missing: COUNT,
      returned: COUNT,
      sidecars: COUNT,
      failed: COUNT,
    })),
  ),
});

/** Answer of `GET /api/images/:id/source`. */
export const IMAGE_SOURCES = IMAGE.extend({
  activeSource: TEXT_OR_NULL.describe("Who speaks for the image"),
  chosenSource: TEXT_OR_NULL.describe("Whom a person chose; null: nobody"),
  sources: z.array(z.string()).describe("Who could speak for it"),
});

/** Answer of `PUT /api/images/:id/source`. */
export const SWITCHED_SOURCE = IMAGE_SOURCES.extend({ added: NAMES, removed: NAMES });

/** Answer of `GET /api/sources/priority`. */
export const SOURCE_ORDER = z.strictObject({ priority: z.array(z.string()) });
