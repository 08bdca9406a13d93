import { splitNamespace } from "./category.ts";
import { isRatingTagName } from "./ratings.ts";
import { type SavedImage, type SavedTag, toSavedSidecar } from "./saved_image.ts";

/** gallery-dl indents so. */
const INDENT = 4;

/**
 * Writes the JSON sidecar of an image: the post of the site that speaks for it, as gallery-dl wrote it, and
 * in one further field all that the library knows. What reads gallery-dl's files reads this one.
 */
export function writeJsonSidecar(image: SavedImage): string {
  return JSON.stringify(toSavedSidecar(image), null, INDENT) + "\n";
}

/** Writes the text sidecar of an image: one tag a line, with its category unless that is general. */
export function writeTxtSidecar(tags: readonly SavedTag[]): string {
  const lines = tags.map(toLine);
  // In a file of one line commas separate.
  if (lines.length === 1 && lines[0].includes(",")) lines.push(lines[0]);
  return lines.map((line) => `${line}\n`).join("");
}

function toLine({ name, category }: SavedTag): string {
  if (isRatingTagName(name)) return name;
  if (category !== null && category !== "general") return `${category}:${name}`;
  // A name that looks as if it had a category must not get that one.
  return splitNamespace(name).category === null ? name : `general:${name}`;
}
