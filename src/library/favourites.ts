import type { ImageId } from "../base/ids.ts";
import type { Library } from "./library.ts";
import { showChanges } from "./show_changes.ts";

/**
 * Makes an image a favourite, or no favourite any more, and makes that visible.
 *
 * @throws {AppError} `not_found` without such an image.
 */
export async function setFavourite(
  library: Library,
  favourite: { imageId: ImageId; isFavourite: boolean },
): Promise<void> {
  await library.writer.call("setFavourite", favourite);
  await showChanges(library, favourite.imageId);
}
