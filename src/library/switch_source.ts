import { AppError } from "../base/errors.ts";
import type { ImageId } from "../base/ids.ts";
import { SOURCE_PRIORITY_NAMES_MAX } from "../base/limits.ts";
import { isPriorityPending, readSourcePriority } from "../store/source_priority.ts";
import { type ImageSources, readImageSources, type SourceChange } from "../store/switch_source.ts";
import { toSourceName } from "../tags/site.ts";
import type { Library } from "./library.ts";
import { showChanges } from "./show_changes.ts";

export type { ImageSources, SourceChange };

/**
 * Lets a site speak for an image, `merged` for all that know it, or null for whoever the order of sources
 * names: the image's tags become that site's, and rating, score, favourites, post id and parent follow. What
 * a person added or removed stays. Later imports keep to the choice.
 *
 * @throws {AppError} `not_found` without such an image, `bad_request` if it has no metadata of that site.
 */
export async function switchActiveSource(
  library: Library,
  imageId: ImageId,
  source: string | null,
): Promise<SourceChange> {
  const change = await library.writer.call("switchSource", { imageId, source, editor: "owner" });
  await showChanges(library);
  return change;
}

/** Who speaks for an image, and who could; undefined without such an image. */
export function findImageSources(library: Library, imageId: ImageId): ImageSources | undefined {
  return readImageSources(library.core.reader, imageId);
}

/** The order of sources of this library. */
export function getSourcePriority(library: Library): readonly string[] {
  return readSourcePriority(library.core.reader);
}

/** How an order of sources is applied. */
export type ApplyPriorityOptions = {
  signal?: AbortSignal;
  onProgress?: (done: number, total: number) => void;
};

/** What an order of sources changed. */
export type PriorityReport = {
  /** Images that several sources know, and those of them that changed. */
  images: number;
  changed: number;
};

/**
 * Gives the library another order of sources, and lets it hold for every image that several sources know
 * and for which nobody chose one. Such an image is spoken for by the first name that it has metadata of;
 * `merged` stands for all its sites together, of which the first with a rating or a post id gives that. An
 * empty list is the usual order. If it is interrupted, {@link applySourcePriority} goes on.
 *
 * Cost: about 10 µs an image, 0.3 ms one that several sources know; in pieces.
 *
 * @throws {AppError} `bad_request` for a name that no source can have, or one that is there twice.
 */
export async function setSourcePriority(
  library: Library,
  names: readonly string[],
  options: ApplyPriorityOptions = {},
): Promise<PriorityReport> {
  checkSourcePriority(names);
  await library.writer.call("saveSourcePriority", { names: [...names], editor: "owner" });
  return await applySourcePriority(library, options);
}

/** Whether an order of sources was stored that not all images follow yet. */
export function isSourcePriorityPending(library: Library): boolean {
  return isPriorityPending(library.core.reader);
}

/** Goes on with an order of sources that not all images follow yet. */
export async function applySourcePriority(
  library: Library,
  options: ApplyPriorityOptions = {},
): Promise<PriorityReport> {
  const total = library.core.cache.current.length;
  const report: PriorityReport = { images: 0, changed: 0 };
  let looked = 0;
  try {
    for (let isDone = false; !isDone;) {
      options.signal?.throwIfAborted();
      const step = await library.writer.call("followSourcePriority", null);
      isDone = step.isDone;
      looked += step.looked;
      report.images += step.shared;
      report.changed += step.changed;
      options.onProgress?.(looked, Math.max(total, looked));
    }
  } finally {
    await showChanges(library);
  }
  return report;
}

/**
 * Checks an order of sources.
 *
 * @throws {AppError} `bad_request`, naming what is wrong.
 */
export function checkSourcePriority(names: readonly string[]): void {
  if (names.length > SOURCE_PRIORITY_NAMES_MAX) {
    throw new AppError(
      "bad_request",
      `An order of sources has at most ${SOURCE_PRIORITY_NAMES_MAX} names`,
    );
  }
  for (const [i, name] of names.entries()) {
    if (toSourceName(name) !== name) {
      throw new AppError("bad_request", `${JSON.stringify(name)} is no name of a source`, {
        remedy: "Write it as it is listed for an image: danbooru, e621, 127.0.0.1:5000",
      });
    }
    if (names.indexOf(name) !== i) {
      throw new AppError("bad_request", `The source ${name} is named twice`);
    }
  }
}
