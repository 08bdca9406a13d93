import { extname } from "node:path";
import { AppError } from "../base/errors.ts";
import { toFileError } from "../media/file_error.ts";
import { mediaTypeOfExt, SNIFF_BYTES, sniffMediaType } from "../media/sniff.ts";
import type { ImageView } from "./image_view.ts";
import type { Library } from "./library.ts";
import { locateFile, newThumbnailPath, thumbnailCandidates } from "./library_paths.ts";

/** Films of which no frame can be had that are remembered, so that not every page asks again. */
const FILMS_WITHOUT_POSTER_MAX = 100_000;

/** Finds thumbnails and makes missing ones, one at a time for each content. */
export class Thumbnails {
  readonly #library: Library;
  readonly #making = new Map<string, Promise<string | null>>();
  readonly #withoutPoster = new Set<string>();

  /** Serves the thumbnails of a library. */
  constructor(library: Library) {
    this.#library = library;
  }

  /**
   * Absolute path of an image's thumbnail, made now if there is none; null for a film of which no frame
   * can be had (asked again after a restart). `file` is where the image lies if that is not its place in
   * the library.
   *
   * @throws {AppError} `undecodable_media` if the image cannot be decoded, `not_found` if its file is gone,
   *   `forbidden` if a link leads out of the library.
   */
  async find(image: Pick<ImageView, "md5" | "filepath">, file?: string): Promise<string | null> {
    for (const path of await thumbnailCandidates(this.#library.paths, image)) {
      if (await hasBytes(path)) return path;
    }
    if (this.#withoutPoster.has(image.md5)) return null;
    let making = this.#making.get(image.md5);
    if (making === undefined) {
      making = this.#make(image, file).finally(() => this.#making.delete(image.md5));
      this.#making.set(image.md5, making);
    }
    return await making;
  }

  async #make(
    image: Pick<ImageView, "md5" | "filepath">,
    file?: string,
  ): Promise<string | null> {
    const { paths } = this.#library;
    const path = file ?? await locateFile(paths, this.#library.roots(), image.filepath);
    const thumbnailPath = newThumbnailPath(paths, image.md5);
    const ext = await readType(path);
    const made = await this.#library.media.call("renewThumbnail", { path, ext, thumbnailPath });
    if (made.thumbnail === "failed") {
      throw new AppError(
        "undecodable_media",
        `${image.filepath} has no thumbnail: ${made.thumbnailError}`,
      );
    }
    if (made.thumbnail === "made") return thumbnailPath;
    if (this.#withoutPoster.size >= FILMS_WITHOUT_POSTER_MAX) this.#withoutPoster.clear();
    this.#withoutPoster.add(image.md5);
    return null;
  }
}

async function hasBytes(path: string): Promise<boolean> {
  try {
    const info = await Deno.stat(path);
    // A power cut can leave an empty one.
    return info.isFile && info.size > 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return false;
    }
    throw error;
  }
}

async function readType(path: string): Promise<string> {
  const head = new Uint8Array(SNIFF_BYTES);
  let count: number;
  try {
    using file = await Deno.open(path, { read: true });
    count = await file.read(head) ?? 0;
  } catch (error) {
    throw toFileError("read", path, error);
  }
  const type = sniffMediaType(head.subarray(0, count)) ?? mediaTypeOfExt(extname(path));
  if (type === undefined) {
    throw new AppError("undecodable_media", `${path} is no picture or video`);
  }
  return type.ext;
}
