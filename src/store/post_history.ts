import { AppError } from "../base/errors.ts";
import { type Database, execute, prepared, toNumber } from "./database.ts";
import { compareTags, readTagsAfter, readTagsBefore, type TagEditDetail } from "./tag_history.ts";

/** Who edits where nobody says it: a library has one account. */
export const OWNER = "owner";

/** A part of something before and after an edit. */
export type Difference<T> = { before: T; after: T };

/** A parent that an edit replaced: the row that said so. */
export type ReplacedParent = { imageId: number; source: string; createdAt: string | null };

/** What one edit of a post changed besides its tags; parts that stayed are left out. */
export type PostDifference = {
  source?: Difference<string>;
  /**
   * Image ids; `site` is the parent's post id at a site, which goes when there is to be none; `replaced`
   * are the rows that went.
   */
  parent?: Difference<number | null> & {
    site: Difference<number | null>;
    replaced?: ReplacedParent[];
  };
  /** Ids of pools; `places`: where the image stood in those that it left (`sort_order`). */
  pools?: { joined: number[]; left: number[]; places?: [poolId: number, place: number | null][] };
  /** `since`: since when it was one, if it is none any more. */
  isFavourite?: Difference<boolean> & { since?: string | null };
  categories?: (Difference<string | null> & { name: string })[];
};

/** What is said of an edit beside what it changes. */
export type EditLabel = {
  imageId: number;
  /** Who edits. */
  editor: string;
  /** The operation on many images that it is a part of, and whether an earlier edit stands for that. */
  operation?: { id: number; isFurther: boolean };
  /** The edit that it takes back. */
  undoes?: number;
};

/** What {@link recordEdit} wrote. */
export type RecordedEdit = { editId: number; added: string[]; removed: string[] };

/**
 * Runs an edit of one image and writes it into the history: who, when, the tags before, what came and
 * went, and all that is needed to take it back. `change` says in its arguments what it changes besides tags,
 * and which tags got a category. Undefined when nothing changed; an undo is written all the same. Runs inside the caller's
 * transaction. Cost: two readings of the image's tags.
 *
 * @throws {AppError} `not_found` without such an image; what `change` throws.
 */
export function recordEdit(
  db: Database,
  label: EditLabel,
  change: (difference: PostDifference, detail: TagEditDetail) => void,
): RecordedEdit | undefined {
  const { imageId, editor, operation, undoes } = label;
  const md5 = prepared(db, "SELECT md5 FROM images WHERE id = ?").value<[string]>(imageId)?.[0];
  if (md5 === undefined) throw new AppError("not_found", `There is no image ${imageId}`);
  const before = readTagsBefore(db, { imageId, md5 });
  const difference: PostDifference = {};
  const detail: TagEditDetail = {};
  change(difference, detail);
  const after = readTagsAfter(db, { imageId, md5 });
  const { added, removed } = compareTags(db, { before, after }, detail);
  const hasMore = Object.keys(difference).length > 0;
  const isNothing = !hasMore && added.length + removed.length === 0 &&
    Object.keys(detail).length === 0;
  if (isNothing && undoes === undefined) return undefined;
  const journalId = hasMore
    ? writeJournal(db, "post_edit", { imageId, editor, ...difference })
    : operation?.id ?? null;
  const editId = writeTagEdit(db, {
    ...label,
    md5,
    journalId,
    added,
    removed,
    tagsBefore: before.names,
    detail,
  });
  return { editId, added, removed };
}

type NewTagEdit = EditLabel & {
  md5: string;
  journalId: number | null;
  added: string[];
  removed: string[];
  /** JSON. */
  tagsBefore: string;
  detail: TagEditDetail;
};

function writeTagEdit(db: Database, edit: NewTagEdit): number {
  const [id] = prepared(
    db,
    `INSERT INTO tag_edits (image_id, image_md5, editor, edited_at_ms, added, removed, operation_id,
       undoes, is_further, tags_before, detail)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
  ).value<[number]>(
    edit.imageId,
    edit.md5,
    edit.editor,
    Date.now(),
    JSON.stringify(edit.added),
    JSON.stringify(edit.removed),
    edit.journalId,
    edit.undoes ?? null,
    edit.operation?.isFurther === true ? 1 : 0,
    edit.tagsBefore,
    JSON.stringify(edit.detail),
  )!;
  return toNumber(id);
}

/**
 * Keeps what an edit changed besides tags, when the change itself is done. Nothing is written when nothing
 * changed.
 */
export function recordPostEdit(
  db: Database,
  edit: { imageId: number; editor: string; difference: PostDifference },
): void {
  const { imageId, editor, difference } = edit;
  if (Object.keys(difference).length === 0) return;
  recordEdit(db, { imageId, editor }, (found) => void Object.assign(found, difference));
}

/** Keeps an entry about what was done, and gives its number; the journal is only added to. */
export function writeJournal(
  db: Database,
  kind: string,
  steps: Record<string, unknown>,
  state = "done",
): number {
  const [id] = prepared(
    db,
    "INSERT INTO journal (kind, state, started_at_ms, steps) VALUES (?, ?, ?, ?) RETURNING id",
  ).value<[number]>(kind, state, Date.now(), JSON.stringify(steps))!;
  return toNumber(id);
}

/**
 * Says that images were edited now, by an entry of their history in which no tag changes: it is where the
 * time of the last edit is read. `journalId` is the entry that says what it was.
 */
export function touchPosts(
  db: Database,
  imageIds: readonly number[],
  { editor, journalId }: { editor: string; journalId: number },
): void {
  execute(
    db,
    `INSERT INTO tag_edits (image_id, image_md5, editor, edited_at_ms, added, removed, operation_id,
       is_further, tags_before)
     SELECT id, md5, ?, ?, '[]', '[]', ?, id <> (
       SELECT min(id) FROM images WHERE id IN (SELECT value FROM json_each(?4))
     ), (
       SELECT json_group_array(name) FROM (
         SELECT name FROM image_tags JOIN tags ON tags.id = tag_id
         WHERE image_id = images.id ORDER BY name
       )
     ) FROM images WHERE id IN (SELECT value FROM json_each(?4)) ORDER BY id`,
    editor,
    Date.now(),
    journalId,
    JSON.stringify(imageIds),
  );
}
