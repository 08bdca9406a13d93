import { AppError } from "../base/errors.ts";
import { type Database, execute, prepared, toNumber } from "./database.ts";
import type { ImageLinks } from "./image_links.ts";
import { KnownTags } from "./known_tags.ts";
import { compareTags, readTagsOf, type TagEditDetail, type TagsAtMoment } from "./tag_history.ts";

/** Who edits where nobody says it: a library has one account. */
export const OWNER = "owner";

/** A part of something before and after an edit. */
export type Difference<T> = { before: T; after: T };

/** A parent that an edit replaced: the row that said so. */
export type ReplacedParent = { imageId: number; source: string; createdAt: string | null };

/** What one edit of a post changed besides its tags; parts that stayed are left out. */
export type PostDifference = {
  /** MD5s: the post's file was edited where it lies. No undo brings bytes back: they are the file's. */
  content?: Difference<string>;
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
  /** The edit that it takes back. */
  undoes?: number;
};

/** What is said of the edits of several images, each given once. */
export type EditsLabel = {
  editor: string;
  images: readonly { imageId: number; undoes?: number }[];
  /** The operation that they are part of, and whether an earlier edit stands for it in lists. */
  operation?: { id: number; isFurther: boolean };
};

/** An edit that is being made; it says here what it changes besides tags, and which got a category. */
export type EditDraft = {
  imageId: number;
  md5: string;
  undoes?: number;
  /** The tags before the edit. */
  links: ImageLinks;
  difference: PostDifference;
  detail: TagEditDetail;
};

/** What {@link recordEdit} wrote. */
export type RecordedEdit = { editId: number; added: string[]; removed: string[] };

/**
 * Runs an edit of one image and writes it into the history, as {@link recordEdits} does.
 *
 * @throws {AppError} `not_found` without such an image; what `change` throws.
 */
export function recordEdit(
  db: Database,
  { imageId, editor, undoes }: EditLabel,
  change: (draft: EditDraft) => void,
): RecordedEdit | undefined {
  const label = { editor, images: [{ imageId, undoes }] };
  return recordEdits(db, label, ([draft]) => change(draft))[0];
}

/**
 * Runs edits of images and writes each into the history: who, when, the tags before, what came and went,
 * and all that is needed to take it back. Undefined for those in which nothing changed; an undo is written
 * all the same. Runs inside the caller's transaction. Cost: two readings of the images' tags.
 *
 * @throws {AppError} `not_found` without one of the images; what `change` throws.
 */
export function recordEdits(
  db: Database,
  label: EditsLabel,
  change: (drafts: EditDraft[]) => void,
): (RecordedEdit | undefined)[] {
  const images = readEdited(db, label);
  const before = readTagsOf(db, images);
  const drafts = images.map((image): EditDraft => {
    return { ...image, links: before.get(image.imageId)!.links, difference: {}, detail: {} };
  });
  change(drafts);
  const after = readTagsOf(db, drafts);
  const tags = new KnownTags(db);
  tags.loadLinks([...before.values(), ...after.values()].map(({ links }) => links));
  const found = drafts.map((draft): FoundEdit => {
    const old = before.get(draft.imageId)!;
    const moments = { before: old, after: after.get(draft.imageId)! };
    return { ...draft, ...compareTags(tags, moments, draft.detail), before: old };
  });
  const ids = writeTagEdits(db, label, { tags, edits: found.filter(isWorthKeeping) });
  return found.map(({ imageId, added, removed }) => {
    const editId = ids.get(imageId);
    return editId === undefined ? undefined : { editId, added, removed };
  });
}

function readEdited(
  db: Database,
  { images }: EditsLabel,
): Pick<EditDraft, "imageId" | "md5" | "undoes">[] {
  const md5s = new Map(
    prepared(db, "SELECT id, md5 FROM images WHERE id IN (SELECT value FROM json_each(?))")
      .values<[number, string]>(JSON.stringify(images.map(({ imageId }) => imageId))),
  );
  return images.map(({ imageId, undoes }) => {
    const md5 = md5s.get(imageId);
    if (md5 === undefined) throw new AppError("not_found", `There is no image ${imageId}`);
    return { imageId, md5, undoes };
  });
}

type FoundEdit = EditDraft & { before: TagsAtMoment; added: string[]; removed: string[] };

function isWorthKeeping({ undoes, difference, detail, added, removed }: FoundEdit): boolean {
  return undoes !== undefined || added.length + removed.length > 0 ||
    Object.keys(difference).length > 0 || Object.keys(detail).length > 0;
}

/** Gives the numbers of the edits by their images. */
function writeTagEdits(
  db: Database,
  { editor, operation }: EditsLabel,
  { tags, edits }: { tags: KnownTags; edits: readonly FoundEdit[] },
): Map<number, number> {
  if (edits.length === 0) return new Map();
  const rows = edits.map(({ imageId, md5, undoes, difference, ...edit }, i) => {
    const journalId = Object.keys(difference).length > 0
      ? writeJournal(db, "post_edit", { imageId, editor, ...difference })
      : operation?.id ?? null;
    const isFurther = operation !== undefined && (operation.isFurther || i > 0);
    const names = tags.sorted(edit.before.links.keys()).map(({ name }) => name);
    const texts = [edit.added, edit.removed, names, edit.detail].map((part) =>
      JSON.stringify(part)
    );
    return [imageId, md5, journalId, undoes ?? null, Number(isFurther), ...texts];
  });
  const written = prepared(
    db,
    `INSERT INTO tag_edits (image_id, image_md5, editor, edited_at_ms, operation_id, undoes,
       is_further, added, removed, tags_before, detail)
     SELECT value ->> 0, value ->> 1, ?, ?, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
       value ->> 6, value ->> 7, value ->> 8
     FROM json_each(?) ORDER BY key RETURNING image_id, id`,
  ).values<[number, number]>(editor, Date.now(), JSON.stringify(rows));
  return new Map(written.map(([imageId, id]) => [imageId, toNumber(id)]));
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
  recordEdit(db, { imageId, editor }, (draft) => void Object.assign(draft.difference, difference));
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
