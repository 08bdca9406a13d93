import type { Database } from "@db/sqlite";
import { documentOf } from "./library_builder.ts";
import type { NaiveImage, NaiveLibrary, NaivePool, NaiveTag } from "./naive_search.ts";

/**
 * Puts a library in the place of whatever the tables hold. Nothing is logged, since that would cost more
 * than all the rest: a full load has to follow.
 */
export function replaceByNaive(db: Database, library: NaiveLibrary): void {
  db.transaction(() => {
    const triggers = db.prepare("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
      .values<[string, string]>();
    for (const [name] of triggers) db.exec(`DROP TRIGGER "${name}"`);
    for (const table of ["image_relations", "pool_images", "pools", "favourites", "tag_aliases"]) {
      db.exec(`DELETE FROM ${table}`);
    }
    db.exec("DELETE FROM image_tags; DELETE FROM raw_metadata; DELETE FROM image_media");
    db.exec("DELETE FROM images_fts; DELETE FROM images; DELETE FROM tags");
    const writer = new NaiveWriter(db);
    for (const image of library.images) writer.insertImage(image);
    for (const image of library.images) writer.insertParents(image);
    for (const pool of library.pools) writer.putPool(pool);
    for (const alias of library.aliases) writer.putAlias(alias.from, alias.to);
    for (const [, sql] of triggers) db.exec(sql);
  }).immediate();
}

/** Writes single images, pools and aliases of a naive library into a database. */
export class NaiveWriter {
  readonly #db: Database;
  readonly #tagIds = new Map<string, number>();

  /** A writer for tables whose tags are known or none. */
  constructor(db: Database) {
    this.#db = db;
    for (const [id, name] of db.prepare("SELECT id, name FROM tags").values<[number, string]>()) {
      this.#tagIds.set(name, id);
    }
  }

  /** Inserts an image but for its parents, which may come later. */
  insertImage(image: NaiveImage): void {
    this.#run(
      `INSERT INTO images (id, filepath, md5, image_width, image_height, score, fav_count, parent_id,
         ingested_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, datetime(?, 'unixepoch'))`,
      ...[image.id, image.filepath, image.md5, image.width, image.height, image.score],
      ...[image.favCount, image.parentPostId, image.addedAt],
    );
    this.#insertFacts(image);
  }

  /** Inserts the relations to the parents of an image. */
  insertParents({ id, parents }: NaiveImage): void {
    for (const parent of parents) {
      this.#run(
        `INSERT INTO image_relations (image_id_a, image_id_b, relation_type)
         VALUES (?, ?, 'parent_child')`,
        parent,
        id,
      );
    }
  }

  /** Replaces all that is known of an image that exists. */
  updateImage(image: NaiveImage): void {
    const { id } = image;
    for (const table of ["image_tags", "image_media", "raw_metadata", "favourites"]) {
      this.#run(`DELETE FROM ${table} WHERE image_id = ?`, id);
    }
    this.#run("DELETE FROM image_relations WHERE image_id_b = ?", id);
    this.#run(
      `UPDATE images SET filepath = ?, md5 = ?, image_width = ?, image_height = ?, score = ?,
         fav_count = ?, parent_id = ?, ingested_at = datetime(?, 'unixepoch') WHERE id = ?`,
      ...[image.filepath, image.md5, image.width, image.height, image.score],
      ...[image.favCount, image.parentPostId, image.addedAt, id],
    );
    this.#insertFacts(image);
    this.insertParents(image);
  }

  /** Removes an image with all that refers to it. */
  removeImage(id: number): void {
    this.#run("DELETE FROM images WHERE id = ?", id);
  }

  /** Makes an image a favourite as of a time (Unix seconds), or none. */
  setFavourite({ id, favouritedAt }: NaiveImage): void {
    this.#run("DELETE FROM favourites WHERE image_id = ?", id);
    if (favouritedAt === null) return;
    this.#run(
      "INSERT INTO favourites (image_id, created_at) VALUES (?, datetime(?, 'unixepoch'))",
      id,
      favouritedAt,
    );
  }

  /** Adds a pool, or replaces its name and its images. */
  putPool({ id, name, imageIds }: NaivePool): void {
    this.#run(
      `INSERT INTO pools (id, name) VALUES (?, ?)
       ON CONFLICT (id) DO UPDATE SET name = excluded.name`,
      id,
      name,
    );
    this.#run("DELETE FROM pool_images WHERE pool_id = ?", id);
    for (const [place, imageId] of imageIds.entries()) {
      const sql = "INSERT INTO pool_images (pool_id, image_id, sort_order) VALUES (?, ?, ?)";
      this.#run(sql, id, imageId, 3 * place);
    }
  }

  /** Removes a pool. */
  removePool(id: number): void {
    this.#run("DELETE FROM pools WHERE id = ?", id);
  }

  /** Adds an alias. */
  putAlias(from: string, to: string): void {
    this.#run(
      "INSERT INTO tag_aliases (antecedent, consequent, created_at_ms) VALUES (?, ?, 0)",
      from,
      to,
    );
  }

  /** Removes an alias. */
  removeAlias(from: string): void {
    this.#run("DELETE FROM tag_aliases WHERE antecedent = ?", from);
  }

  /** Gives a tag that exists another category. */
  setCategory({ name, category }: NaiveTag): void {
    this.#run("UPDATE tags SET category = ? WHERE name = ?", category, name);
  }

  #insertFacts(image: NaiveImage): void {
    const ratings = image.ratings.map((word) => ({ name: `rating:${word}`, category: "rating" }));
    for (const tag of [...image.tags, ...ratings]) {
      this.#run(
        "INSERT INTO image_tags (image_id, tag_id) VALUES (?, ?)",
        image.id,
        this.#tagIdOf(tag),
      );
    }
    if (image.bytes !== null) {
      this.#run(
        `INSERT INTO image_media (image_id, file_ext, size_bytes, duration_ms, source_url)
         VALUES (?, ?, ?, ?, ?)`,
        ...[image.id, image.fileType ?? "", image.bytes, image.durationMs, image.source],
      );
    }
    if (image.posts.length > 0) {
      const posts = Object.fromEntries(image.posts.map(({ site, id }) => [site, id]));
      const document = JSON.stringify(documentOf(posts));
      this.#run("INSERT INTO raw_metadata (image_id, data) VALUES (?, ?)", image.id, document);
    }
    if (image.favouritedAt !== null) this.setFavourite(image);
  }

  #tagIdOf({ name, category }: NaiveTag): number {
    let id = this.#tagIds.get(name);
    if (id === undefined) {
      const row = this.#db.prepare("INSERT INTO tags (name, category) VALUES (?, ?) RETURNING id")
        .value<[number]>(name, category)!;
      this.#tagIds.set(name, id = row[0]);
    }
    return id;
  }

  readonly #statements = new Map<string, ReturnType<Database["prepare"]>>();

  #run(sql: string, ...values: (string | number | null)[]): void {
    let statement = this.#statements.get(sql);
    if (statement === undefined) this.#statements.set(sql, statement = this.#db.prepare(sql));
    statement.run(...values);
  }
}
