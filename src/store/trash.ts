import { AppError } from "../base/errors.ts";
import { type Database, execute, readColumnNames } from "./database.ts";
import { followTagRules } from "./tag_rule_jobs.ts";
import { readTagCategory } from "./tag_categories.ts";
import { writeTagColumns } from "./tag_columns.ts";

/** Rows of one table that belonged to an image, as objects by column. */
export type SavedRows = Record<string, unknown>[];

/**
 * What the trash holds: an image with all that belongs to it, or a further copy of the file of an image
 * that stays.
 */
export type TrashKind = "image" | "duplicate";

/** Where a file was and where it is in the trash; `trashed` is null for one that is only hidden. */
export type TrashedFile = {
  filepath: string;
  trashed: string | null;
  /** What the file was when it was put there; older entries do not say it. */
  sizeBytes?: number;
  mtimeMs?: number;
  inode?: number;
  device?: number;
};

/** Everything that is needed to bring an image, or a copy, back as it was. */
export type TrashManifest = {
  version: 1;
  /** Not said by entries of images that were made before there were copies. */
  kind?: TrashKind;
  /** Of a copy: the stored path of the file that was kept, equal byte for byte. */
  kept?: string;
  /** What the kept file was when both were compared; older entries do not say it. */
  keptAs?: { mtimeMs: number; inode: number };
  /** 0 for a copy that no image had as a place. */
  imageId: number;
  md5: string;
  filepath: string;
  trashedAtMs: number;
  /** Folder inside the trash that holds this manifest and the files. */
  folder: string;
  /** Of a copy: the copy, then sidecars that were its alone. */
  files: TrashedFile[];
  /** Table → rows. */
  rows: Record<string, SavedRows>;
  /** Names and categories of the tags, in case a tag is gone when the image comes back. */
  tags: { id: number; name: string; category: string | null; source: string }[];
};

/** States of a row of the trash; all but `trashed` are finished by the next start. */
export type TrashState = "moving" | "trashed" | "restoring" | "emptying";

/** One entry of the trash. */
export type TrashEntry = {
  id: number;
  kind: TrashKind;
  state: TrashState;
  manifest: TrashManifest;
};

type EntryRow = [id: number, kind: TrashKind, state: TrashState, manifest: string];
const ENTRY_COLUMNS = "id, kind, state, manifest";

/** Tables with rows of one image, and the column that names it. */
const OWNED: [table: string, column: string][] = [
  ["raw_metadata", "image_id"],
  ["image_sources", "image_id"],
  ["pool_images", "image_id"],
  ["favourites", "image_id"],
  ["local_tagger_predictions", "image_id"],
  ["image_relations", "image_id_a"],
  ["image_relations", "image_id_b"],
  ["duplicate_pairs", "image_id_a"],
  ["duplicate_pairs", "image_id_b"],
  ["image_files", "image_id"],
  ["image_media", "image_id"],
];

/** Reads all that an image consists of. */
export function readManifest(
  db: Database,
  imageId: number,
  kept: { folder: string; files: TrashedFile[] },
): TrashManifest {
  const image = db.prepare("SELECT * FROM images WHERE id = ?").get<Record<string, unknown>>(
    imageId,
  );
  if (image === undefined) throw new AppError("not_found", `There is no image ${imageId}`);
  const rows: Record<string, SavedRows> = { images: [toPlain(image)] };
  for (const [table, column] of OWNED) {
    if (readColumnNames(db, table).size === 0) continue;
    const found = db.prepare(`SELECT * FROM ${table} WHERE ${column} = ?`)
      .all<Record<string, unknown>>(imageId);
    rows[table] = [...(rows[table] ?? []), ...found.map(toPlain)];
  }
  const tags = db.prepare(
    `SELECT tags.id, name, category, coalesce(source, 'original') AS source
     FROM image_tags JOIN tags ON tags.id = tag_id WHERE image_id = ?`,
  ).all<TrashManifest["tags"][number]>(imageId);
  return {
    version: 1,
    imageId,
    md5: String(image.md5),
    filepath: String(image.filepath),
    trashedAtMs: Date.now(),
    ...kept,
    rows,
    tags,
  };
}

/** JSON has no bigint (some file systems have inode numbers beyond 2^53) and no bytes. */
function toPlain(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      if (value instanceof Uint8Array) return [name, { hex: value.toHex() }];
      return [name, typeof value === "bigint" ? Number(value) : value];
    }),
  );
}

function fromPlain(value: unknown): string | number | null | Uint8Array {
  const isBytes = typeof value === "object" && value !== null && "hex" in value;
  return isBytes ? Uint8Array.fromHex(String(value.hex)) : value as string | number | null;
}

/**
 * Takes an image out of the library; its files are to be moved next. Gives the entry's id.
 *
 * What is kept is read here once more: somebody may have edited the image since `planned` was read.
 *
 * @throws {AppError} `not_found`, or `conflict` if it has a place that the plan does not know.
 */
export function takeOut(db: Database, planned: TrashManifest): number {
  const { imageId, folder, files } = planned;
  const manifest = readManifest(db, imageId, { folder, files });
  const places = (manifest.rows.image_files ?? []).map((row) => String(row.filepath));
  const unknown = [manifest.filepath, ...places].find((filepath) =>
    !files.some((file) => file.filepath === filepath)
  );
  if (unknown !== undefined) {
    throw new AppError(
      "conflict",
      `Image ${imageId} was changed meanwhile: it lies at ${unknown}`,
      {
        remedy: "Try again",
      },
    );
  }
  db.exec("DELETE FROM images WHERE id = ?", imageId);
  return db.prepare(
    `INSERT INTO trash (image_id, md5, trashed_at_ms, state, manifest)
     VALUES (?, ?, ?, 'moving', ?) RETURNING id`,
  ).value<[number]>(
    manifest.imageId,
    manifest.md5,
    manifest.trashedAtMs,
    JSON.stringify(manifest),
  )![0];
}

/** Writes how far an entry is. */
export function setTrashState(
  db: Database,
  entry: { id: number; state: TrashState; manifest?: TrashManifest },
): void {
  const { id, state, manifest } = entry;
  if (manifest === undefined) db.exec("UPDATE trash SET state = ? WHERE id = ?", state, id);
  else {
    db.exec(
      "UPDATE trash SET state = ?, manifest = ? WHERE id = ?",
      state,
      JSON.stringify(manifest),
      id,
    );
  }
}

/**
 * Brings an image back with its rows, tags and relations, and removes the entry.
 *
 * @throws {AppError} `conflict` if the same content or path is in the library again.
 */
export function putBack(db: Database, entry: TrashEntry): number {
  const manifest = withFreeId(db, entry.manifest);
  const taken = db.prepare("SELECT id FROM images WHERE md5 = ? OR filepath = ?")
    .value<[number]>(manifest.md5, manifest.filepath);
  if (taken !== undefined) {
    throw new AppError(
      "conflict",
      `Cannot restore image ${entry.manifest.imageId}: its content is back as image ${taken[0]}`,
    );
  }
  insertRows(db, "images", manifest.rows.images);
  for (const [table, rows] of Object.entries(manifest.rows)) {
    if (table === "images") continue;
    for (const row of rows) {
      if (isWhole(db, row)) insertRows(db, table, [row]);
      else handOn(db, table, { row, imageId: manifest.imageId });
    }
  }
  for (const tag of manifest.tags) {
    db.exec("INSERT OR IGNORE INTO tags (name, category) VALUES (?, ?)", tag.name, tag.category);
    db.exec(
      `INSERT OR IGNORE INTO image_tags (image_id, tag_id, source)
       SELECT ?, id, ? FROM tags WHERE name = ?`,
      manifest.imageId,
      tag.source,
      tag.name,
    );
  }
  if (manifest.tags.some((tag) => readTagCategory(db, tag.name) !== (tag.category ?? undefined))) {
    writeTagColumns(db, [manifest.imageId]);
  }
  followTagRules(db, manifest.imageId);
  db.exec("DELETE FROM trash WHERE id = ?", entry.id);
  return manifest.imageId;
}

/**
 * The manifest with a new number where another image has the old one: a database that was rescued may have
 * given it twice.
 */
function withFreeId(db: Database, manifest: TrashManifest): TrashManifest {
  const { imageId: old } = manifest;
  if (db.prepare("SELECT 1 FROM images WHERE id = ?").value(old) === undefined) return manifest;
  const [imageId] = db.prepare(
    "SELECT 1 + max(max(id), coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'images'), 0)) FROM images",
  ).value<[number]>()!;
  const tables = Object.entries(manifest.rows).map(([table, rows]) => {
    const columns = table === "images" ? ["id"] : ["image_id", "image_id_a", "image_id_b"];
    const renumbered = rows.map((row) => {
      const names = columns.filter((name) => row[name] === old);
      return { ...row, ...Object.fromEntries(names.map((name) => [name, imageId])) };
    });
    return [table, renumbered];
  });
  return { ...manifest, imageId, rows: Object.fromEntries(tables) };
}

/** Whether the pool, source or other image that a row refers to still exists. */
function isWhole(db: Database, row: Record<string, unknown>): boolean {
  const references: [column: string, table: string][] = [
    ["pool_id", "pools"],
    ["source_id", "sources"],
    ["image_id_a", "images"],
    ["image_id_b", "images"],
  ];
  return references.every(([column, table]) =>
    row[column] === undefined ||
    db.prepare(`SELECT 1 FROM ${table} WHERE id = ?`).value(row[column] as number) !== undefined
  );
}

/** Gives a relation to an image that is in the trash too to that one's entry: it brings it back. */
function handOn(
  db: Database,
  table: string,
  relation: { row: Record<string, unknown>; imageId: number },
): void {
  const { row, imageId } = relation;
  const other = row.image_id_a === imageId ? row.image_id_b : row.image_id_a;
  const found = db.prepare(
    `SELECT ${ENTRY_COLUMNS} FROM trash WHERE kind = 'image' AND image_id = ?`,
  ).value<EntryRow>(Number(other ?? -1));
  if (found === undefined) return;
  const entry = toEntry(found);
  const { rows } = entry.manifest;
  const manifest = { ...entry.manifest, rows: { ...rows, [table]: [...(rows[table] ?? []), row] } };
  setTrashState(db, { ...entry, manifest });
}

function insertRows(db: Database, table: string, rows: SavedRows): void {
  const known = readColumnNames(db, table);
  for (const row of rows) {
    const names = Object.keys(row).filter((name) => known.has(name));
    db.exec(
      `INSERT OR IGNORE INTO ${table} (${names.join(", ")})
       VALUES (${names.map(() => "?").join(", ")})`,
      ...names.map((name) => fromPlain(row[name])),
    );
  }
}

/** Entries of the trash, newest first. */
export function readTrash(db: Database, options: { limit: number; offset: number }): TrashEntry[] {
  return db.prepare(`SELECT ${ENTRY_COLUMNS} FROM trash ORDER BY id DESC LIMIT ? OFFSET ?`)
    .values<EntryRow>(options.limit, options.offset).map(toEntry);
}

/** How many entries the trash has. */
export function countTrash(db: Database): number {
  return db.prepare("SELECT count(*) FROM trash").value<[number]>()![0];
}

/** Entries whose files were being moved or removed when the program ended. */
export function readUnfinishedTrash(db: Database): TrashEntry[] {
  return db.prepare(`SELECT ${ENTRY_COLUMNS} FROM trash WHERE state <> 'trashed' ORDER BY id`)
    .values<EntryRow>().map(toEntry);
}

/** Ids of entries that were put there before a moment, oldest first. */
export function readTrashIdsBefore(db: Database, beforeMs: number): number[] {
  return db.prepare("SELECT id FROM trash WHERE trashed_at_ms <= ? ORDER BY id")
    .values<[number]>(beforeMs).map(([id]) => id);
}

/** One entry of the trash. */
export function readTrashEntry(db: Database, id: number): TrashEntry | undefined {
  const row = db.prepare(`SELECT ${ENTRY_COLUMNS} FROM trash WHERE id = ?`).value<EntryRow>(id);
  return row && toEntry(row);
}

/** Writes how far some entries are. */
export function setTrashStates(db: Database, ids: readonly number[], state: TrashState): void {
  for (const id of ids) execute(db, "UPDATE trash SET state = ? WHERE id = ?", state, id);
}

/** Removes entries, whose files are gone. */
export function dropTrashEntries(db: Database, ids: readonly number[]): void {
  for (const id of ids) execute(db, "DELETE FROM trash WHERE id = ?", id);
}

/** Whether a content is in the trash as an image: an import must not bring it back unasked. */
export function isTrashed(db: Database, md5: string): boolean {
  return db.prepare("SELECT 1 FROM trash WHERE kind = 'image' AND md5 = ?").value(md5) !==
    undefined;
}

/** Whether the image of this id was put into the trash and is still there. */
export function isImageTrashed(db: Database, imageId: number): boolean {
  return db.prepare("SELECT 1 FROM trash WHERE kind = 'image' AND image_id = ?").value(imageId) !==
    undefined;
}

function toEntry([id, kind, state, manifest]: EntryRow): TrashEntry {
  return { id, kind, state, manifest: JSON.parse(manifest) as TrashManifest };
}
