import { Database } from "@db/sqlite";
import { CHIBIBOORU_SCHEMA } from "../../src/store/schema.ts";

/** A value as SQLite may hold it, whatever the column is declared as. */
export type Cell = string | number | null | Uint8Array;

/** A tag of a library; its id is its place from 1 unless given. */
export type TagSpec = { id?: number; name: string; category?: string | null };

/** An image of a library; its id is its place from 1 unless given. */
export type ImageSpec = {
  id?: number;
  filepath?: string;
  md5?: string;
  /** Names of tags of the library. */
  tags?: readonly string[];
  /** The document of raw_metadata: text and bytes as they are, anything else as JSON. */
  metadata?: unknown;
  /** More columns of `images`. */
  columns?: Readonly<Record<string, Cell>>;
};

/** A pool of a library; its id is its place from 1 unless given. */
export type PoolSpec = {
  id?: number;
  name: string;
  description?: string | null;
  /** Ids of images with their sort_order, their place from 0 unless given. */
  images?: readonly (number | [imageId: number, sortOrder: Cell])[];
};

/** A library in plain words. Tags that only images name are added as general ones. */
export type LibrarySpec = {
  tags?: readonly TagSpec[];
  images?: readonly ImageSpec[];
  pools?: readonly PoolSpec[];
  /** Ids of images with the time of their becoming one. */
  favourites?: readonly [imageId: number, createdAt: Cell][];
  relations?: readonly [imageA: number, imageB: number, type: string][];
};

/** `full`: all tables of ChibiBooru; `bare`: those that the cache reads and nothing else. */
export type TableSet = "full" | "bare";

const BARE_TABLES = ["images", "tags", "image_tags", "raw_metadata"];

/** Statements that make the tables. */
export function schemaOf(tables: TableSet): string {
  if (tables === "full") return CHIBIBOORU_SCHEMA;
  return BARE_TABLES.map((name) => {
    const sql = new RegExp(`CREATE TABLE IF NOT EXISTS ${name} \\([^;]*;`).exec(CHIBIBOORU_SCHEMA);
    if (sql === null) throw new Error(`The schema has no table ${name}`);
    return sql[0];
  }).join("\n");
}

/** Opens a connection that writes, with foreign keys as asked for. */
export function openDatabase(path: string, options: { foreignKeys?: boolean } = {}): Database {
  const db = new Database(path, { int64: true, parseJson: false });
  db.exec(`PRAGMA foreign_keys = ${options.foreignKeys === false ? "OFF" : "ON"}`);
  return db;
}

/** Writes a ChibiBooru database. */
export function buildLibrary(path: string, spec: LibrarySpec, tables: TableSet = "full"): void {
  const db = openDatabase(path);
  try {
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF");
    db.exec(schemaOf(tables));
    db.transaction(() => fillLibrary(db, spec)).immediate();
  } finally {
    db.close();
  }
}

/** Writes the rows of a description into existing tables. */
export function fillLibrary(db: Database, spec: LibrarySpec): void {
  const tagIds = new Map<string, number>();
  for (const [i, tag] of (spec.tags ?? []).entries()) {
    insertTag(db, tagIds, { id: i + 1, ...tag });
  }
  for (const [i, image] of (spec.images ?? []).entries()) {
    const id = image.id ?? i + 1;
    insertImage(db, { ...image, id });
    for (const name of image.tags ?? []) {
      if (!tagIds.has(name)) insertTag(db, tagIds, { name });
      db.exec("INSERT INTO image_tags (image_id, tag_id) VALUES (?, ?)", id, tagIds.get(name)!);
    }
    if (image.metadata !== undefined) {
      const data = toCell(image.metadata);
      db.exec("INSERT INTO raw_metadata (image_id, data) VALUES (?, ?)", id, data);
    }
  }
  fillBeside(db, spec);
}

/** Writes pools, favourites and relations into existing tables. */
function fillBeside(db: Database, spec: LibrarySpec): void {
  for (
    const [i, { id = i + 1, name, description = null, images = [] }] of (spec.pools ?? []).entries()
  ) {
    db.exec("INSERT INTO pools (id, name, description) VALUES (?, ?, ?)", id, name, description);
    for (const [place, image] of images.entries()) {
      const [imageId, sortOrder] = typeof image === "number" ? [image, place] : image;
      db.exec("INSERT INTO pool_images VALUES (?, ?, ?)", id, imageId, sortOrder);
    }
  }
  for (const [imageId, createdAt] of spec.favourites ?? []) {
    db.exec("INSERT INTO favourites (image_id, created_at) VALUES (?, ?)", imageId, createdAt);
  }
  for (const [imageA, imageB, type] of spec.relations ?? []) {
    db.exec(
      "INSERT INTO image_relations (image_id_a, image_id_b, relation_type) VALUES (?, ?, ?)",
      imageA,
      imageB,
      type,
    );
  }
}

function insertTag(db: Database, tagIds: Map<string, number>, tag: TagSpec): void {
  const [id] = db.prepare("INSERT INTO tags (id, name, category) VALUES (?, ?, ?) RETURNING id")
    .value<[number]>(
      tag.id ?? null,
      tag.name,
      tag.category === undefined ? "general" : tag.category,
    )!;
  tagIds.set(tag.name, id);
}

/** Inserts a row of `images` alone. */
export function insertImage(db: Database, image: ImageSpec & { id: number }): void {
  const columns: Record<string, Cell> = {
    id: image.id,
    filepath: image.filepath ?? `${image.id}.jpg`,
    md5: image.md5 ?? md5Of(image.id),
    ...image.columns,
  };
  const names = Object.keys(columns);
  db.exec(
    `INSERT INTO images (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`,
    ...Object.values(columns),
  );
}

/** The md5 that an image has unless another is given: distinct for distinct ids. */
export function md5Of(id: number): string {
  return id.toString(16).padStart(8, "0").repeat(4);
}

function toCell(metadata: unknown): string | Uint8Array {
  if (typeof metadata === "string" || metadata instanceof Uint8Array) return metadata;
  return JSON.stringify(metadata);
}

/** A metadata document with these post ids, source → id. */
export function documentOf(postIds: Readonly<Record<string, unknown>>): unknown {
  const posts = Object.entries(postIds).map(([source, id]) => [source, { id }]);
  return { md5: "", relative_path: "", saucenao_lookup: false, sources: Object.fromEntries(posts) };
}

/** Every row of every table as text, to compare databases; shadow tables of full text are left out. */
export function dumpDatabase(db: Database): string[] {
  const tables = db.prepare(
    `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'images\\_fts\\_%' ESCAPE '\\'
     ORDER BY name`,
  ).values<[string]>().map(([name]) => name);
  return tables.flatMap((table) => {
    const rows = db.prepare(`SELECT * FROM "${table}"`).all();
    return rows.map((row) => `${table} ${toText(row)}`).sort();
  });
}

function toText(row: Record<string, unknown>): string {
  return JSON.stringify(row, (_, value) => {
    if (value instanceof Uint8Array) return `bytes ${value.toHex()}`;
    return typeof value === "bigint" ? `${value}n` : value;
  });
}
