import { type Database, execute } from "./database.ts";

/** Who edits where nobody says it: a library has one account. */
export const OWNER = "owner";

/** A part of something before and after an edit. */
export type Difference<T> = { before: T; after: T };

/** What one edit of a post changed besides its tags; parts that stayed are left out. */
export type PostDifference = {
  source?: Difference<string>;
  /** Image ids; `site` is the parent's post id at a site, which goes when there is to be none. */
  parent?: Difference<number | null> & { site: Difference<number | null> };
  /** Ids of pools. */
  pools?: { joined: number[]; left: number[] };
  isFavourite?: Difference<boolean>;
  categories?: (Difference<string | null> & { name: string })[];
};

/**
 * Keeps what an edit changed besides tags, whose history is in `tag_edits`. Nothing is written when nothing
 * changed.
 */
export function recordPostEdit(
  db: Database,
  edit: { imageId: number; editor: string; difference: PostDifference },
): void {
  const { imageId, editor, difference } = edit;
  if (Object.keys(difference).length === 0) return;
  writeJournal(db, "post_edit", { imageId, editor, ...difference });
  touchPosts(db, [imageId], editor);
}

/** Keeps an entry about what was done; the journal is only added to. */
export function writeJournal(db: Database, kind: string, steps: Record<string, unknown>): void {
  execute(
    db,
    "INSERT INTO journal (kind, state, started_at_ms, steps) VALUES (?, 'done', ?, ?)",
    kind,
    Date.now(),
    JSON.stringify(steps),
  );
}

/**
 * Says that images were edited now, by an entry of their history in which no tag changes: it is where the
 * time of the last edit is read.
 */
export function touchPosts(db: Database, imageIds: readonly number[], editor: string): void {
  execute(
    db,
    `INSERT INTO tag_edits (image_id, image_md5, editor, edited_at_ms, added, removed)
     SELECT id, md5, ?, ?, '[]', '[]' FROM images WHERE id IN (SELECT value FROM json_each(?))`,
    editor,
    Date.now(),
    JSON.stringify(imageIds),
  );
}
