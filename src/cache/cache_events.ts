import type { ImageId, PoolId, TagId } from "../base/ids.ts";
import { type ListenOptions, TypedEventTarget } from "../base/typed_event_target.ts";
import type { LoadStage } from "./ports.ts";

/** Facts about the cache; each is told after it became true, with the generation that shows it. */
export type CacheEventMap = {
  /** A full load began; `generation` is the one that is served meanwhile. */
  loadStarted: { generation: number };
  loadProgressed: { stage: LoadStage; done: number; total: number };
  /** A full load's snapshot replaced the previous one. */
  swapped: {
    generation: number;
    previous: number;
    images: number;
    tags: number;
    postIds: number;
    loadMs: number;
    loadedFrom: "database" | "snapshot";
  };
  /** A full load failed; what was served before is still served. */
  loadFailed: { generation: number; error: Error };
  /** Images were added or changed one by one. */
  imagesChanged: { generation: number; ids: readonly ImageId[] };
  imagesRemoved: { generation: number; ids: readonly ImageId[] };
  /** Tags were added, renamed, recategorised or removed, or the images of these tags changed. */
  tagsChanged: { generation: number; ids: readonly TagId[] };
  /** Pools were added, changed or removed, or their images. */
  poolsChanged: { generation: number; ids: readonly PoolId[] };
  /** Other names of tags were added, changed or removed. */
  aliasesChanged: { generation: number };
  /** Whatever was derived from cached data is out of date. */
  invalidated: Record<never, never>;
};

/**
 * The seed's cache events: parts that keep something derived from the cache register a callback, parts
 * that change data trigger it, and neither knows the other.
 */
export class CacheEvents extends TypedEventTarget<CacheEventMap> {
  /**
   * Calls `callback` whenever caches should be invalidated, after the new data is visible. A callback
   * that throws is logged and stops nobody.
   */
  registerCacheInvalidationCallback(callback: () => void, options: ListenOptions = {}): void {
    this.on("invalidated", () => callback(), options);
  }

  /** Calls every registered callback. */
  triggerCacheInvalidation(): void {
    this.emit("invalidated", {});
  }
}
