import { AppError } from "../base/errors.ts";
import type { ImageId } from "../base/ids.ts";
import { findImage } from "../library/browse.ts";
import type { ImageView } from "../library/image_view.ts";
import type { Library } from "../library/library.ts";
import type { Thumbnails } from "../library/thumbnails.ts";
import type { WatchService } from "../library/watch.ts";
import { isImageTrashed } from "../store/trash.ts";
import type { StallMeter } from "../system/stalls.ts";
import type { Addresses } from "./addresses.ts";

/** What all routes share. */
export type ServerState = {
  library: Library;
  thumbnails: Thumbnails;
  stalls: StallMeter;
  /** How far the first load is; null before it begins and after it ended. */
  progress: () => { done: number; total: number } | null;
  /** When the newest load ended: how long it took; null before the first one. */
  loadMs: () => number | null;
  /** What the newest load read. */
  loadedFrom: () => "database" | "snapshot";
  /** Whether anything was loaded yet. */
  isLoaded: () => boolean;
  /** Why the newest load failed; null when it did not. */
  loadFault: () => string | null;
  /** Version of ffmpeg, which makes pictures of films; null: there is none. It takes a moment to ask. */
  ffmpegVersion: Promise<string | null>;
  /** Aborted when the server shuts down, so that open streams end. */
  shutdown: AbortSignal;
  /** What clients of the Danbooru API sign in with; null: whoever reaches the server is its owner. */
  apiKey: string | null;
  /** What programs must send to /metrics and to destroy anything by the API; null: nothing. */
  adminSecret: string | null;
  /** The names by which clients may call the server. */
  addresses: Addresses;
  /** Watches folders if the server was told to; else it scans them when asked. */
  watch: WatchService;
  /** Version of the program. */
  version: string;
};

/** Follows the cache's events for pages and `/api/status`. */
export function followLoads(
  library: Library,
): Pick<ServerState, "progress" | "loadMs" | "loadedFrom" | "isLoaded" | "loadFault"> {
  let progress: { done: number; total: number } | null = null;
  let loadMs: number | null = null;
  let loadedFrom: "database" | "snapshot" = "database";
  let fault: string | null = null;
  const { events } = library.core;
  events.on("loadProgressed", ({ done, total, stage }) => {
    // Tags are most of the work, and they come last.
    if (stage === "tags") progress = { done, total };
  });
  events.on("swapped", (swapped) => {
    progress = null;
    fault = null;
    ({ loadMs, loadedFrom } = swapped);
  });
  events.on("loadFailed", ({ error }) => {
    progress = null;
    fault = error.message;
  });
  return {
    progress: () => progress,
    loadMs: () => loadMs,
    loadedFrom: () => loadedFrom,
    isLoaded: () => loadMs !== null,
    loadFault: () => fault,
  };
}

/**
 * An image of the library.
 *
 * @throws {AppError} `not_found` without such an image; `unavailable` before the first load ended, when
 *   nobody knows yet.
 */
export function requireImage(state: ServerState, id: ImageId): ImageView {
  const image = findImage(state.library, id);
  if (image !== undefined) return image;
  throw missingImage(state, id, "image");
}

/** Why there is no image of an id: nobody knows yet, it was deleted, or there never was one. */
export function missingImage(state: ServerState, id: ImageId, noun: "image" | "post"): AppError {
  if (!state.isLoaded()) {
    return new AppError("unavailable", "The library is being loaded", {
      remedy: "Try again in a moment",
    });
  }
  if (isImageTrashed(state.library.core.reader, id)) {
    return new AppError("not_found", `There is no ${noun} ${id}: it is in the trash`, {
      remedy: "Restore it from there to see it again",
      details: { isTrashed: true },
    });
  }
  return new AppError("not_found", `There is no ${noun} ${id}`);
}
