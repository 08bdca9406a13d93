import { countTrash, readTrash, type TrashKind, type TrashState } from "../store/trash.ts";
import { readTrashKeepDays } from "../store/trash_copies.ts";
import type { Library } from "./library.ts";

/** An entry of the trash, as API, pages and commands show it. */
export type TrashView = {
  id: number;
  /** An image, or a further copy of one that stays. */
  kind: TrashKind;
  state: TrashState;
  /** The image, or the one that the copy was a place of; null: none. */
  imageId: number | null;
  md5: string;
  filepath: string;
  /** Of a copy: the file that was kept. */
  kept: string | null;
  trashedAtMs: number;
  /** Null for entries that do not say it, and hidden images. */
  sizeBytes: number | null;
  tags: string[];
};

/** A part of the trash. */
export type TrashPageView = {
  /** Newest first. */
  entries: TrashView[];
  total: number;
  /** After how many days it is emptied by itself; null: never. */
  keepDays: number | null;
};

/** Lists the trash, newest first; pages count from 1. */
export function listTrash(
  { core }: Library,
  { limit, page }: { limit: number; page: number },
): TrashPageView {
  const entries = readTrash(core.reader, { limit, offset: (page - 1) * limit });
  return {
    entries: entries.map(({ id, kind, state, manifest }) => ({
      id,
      kind,
      state,
      imageId: manifest.imageId || null,
      md5: manifest.md5,
      filepath: manifest.filepath,
      kept: manifest.kept ?? null,
      trashedAtMs: manifest.trashedAtMs,
      sizeBytes: manifest.files.find((file) => file.filepath === manifest.filepath)?.sizeBytes ??
        null,
      tags: manifest.tags.map((tag) => tag.name),
    })),
    total: countTrash(core.reader),
    keepDays: readTrashKeepDays(core.reader),
  };
}
