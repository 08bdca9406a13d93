import type { ImageId } from "../base/ids.ts";
import type { ImageSnapshot } from "./image_snapshot.ts";

/** One image of {@link ImageDataView}; `tagIds` is a copy. */
export type ImageDataEntry = {
  id: ImageId;
  filepath: string;
  md5: string;
  tagIds: Int32Array;
};

/**
 * All images as of one moment, ascending by id; entries are made when asked for.
 *
 * It never changes, whatever is edited later: as safe as a copy, as cheap as a reference.
 */
export class ImageDataView implements Iterable<ImageDataEntry> {
  readonly #snapshot: ImageSnapshot;

  /** Makes a view of a snapshot. */
  constructor(snapshot: ImageSnapshot) {
    this.#snapshot = snapshot;
  }

  /** Images. */
  get length(): number {
    return this.#snapshot.length;
  }

  /** The image at a place from 0, or from -1 backwards; undefined outside. Cost: O(its tags). */
  at(index: number): ImageDataEntry | undefined {
    const place = Math.trunc(index) < 0 ? this.length + Math.trunc(index) : Math.trunc(index);
    if (!(place >= 0 && place < this.length)) return undefined;
    const snapshot = this.#snapshot;
    const row = snapshot.rows()[place];
    return {
      id: snapshot.idAt(row),
      filepath: snapshot.filepathAt(row),
      md5: snapshot.md5At(row),
      tagIds: snapshot.tagIdsAt(row),
    };
  }

  /** Every image, ascending by id. */
  *[Symbol.iterator](): Generator<ImageDataEntry> {
    for (let i = 0; i < this.length; i++) yield this.at(i)!;
  }
}
