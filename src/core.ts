/**
 * The seed's core as one module, for embedders and tests: caches over a ChibiBooru database, the tag id
 * cache, the cache events. It needs neither the server nor sharp.
 *
 * @example Usage
 * ```ts ignore
 * import { openCore } from "chibibooru";
 * const core = await openCore({ database: "library/data/booru.db" });
 * await core.cache.loadDataFromDb({ verbose: false });
 * console.log(core.cache.getImageData().length, core.cache.getTagCounts().size);
 * await core.close();
 * ```
 *
 * @module
 */
export { type Core, type CoreOptions, openCore } from "./library/core.ts";
export { CacheManager, type LoadOptions } from "./cache/cache_manager.ts";
export { type CacheEventMap, CacheEvents } from "./cache/cache_events.ts";
export { type ImageDataEntry, ImageDataView } from "./cache/image_data_view.ts";
export { TagIdCache } from "./cache/tag_id_cache.ts";
export { AppError, type ErrorCode } from "./base/errors.ts";
export { getBucketedPath, getThumbnailPath, sanitizeFilenameForFs } from "./media/paths.ts";
export { getFileMd5 } from "./media/md5.ts";
