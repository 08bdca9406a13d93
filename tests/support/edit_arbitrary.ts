import type { Database } from "@db/sqlite";
import fc from "fast-check";
import { type ImageSeed, imageSeedArbitrary, toImageSpec } from "./library_arbitrary.ts";
import { fillLibrary, type ImageSpec, type TagSpec } from "./library_builder.ts";

/** One edit by plain SQL; `at` and `other` choose among what is there at that moment. */
export type Edit = { kind: EditKind; at: number; other: number; seed: ImageSeed; text: string };

type EditKind = keyof typeof EDITS;

/** Rows that an edit chooses from. */
type Target = { db: Database; image: number; other: number; tag: number; edit: Edit };

/** Edit → how any program with a connection may write it. */
const EDITS = {
  addImage: ({ db, edit }: Target) => {
    const [last] = db.prepare("SELECT coalesce(max(id), 0) FROM images").value<[number]>()!;
    addImage(db, edit.seed, last + edit.seed.gap);
  },
  addImageInGap: ({ db, edit }: Target) => {
    const row = db.prepare(
      "SELECT min(id) + 1 FROM images WHERE id + 1 NOT IN (SELECT id FROM images)",
    ).value<[number | null]>();
    addImage(db, edit.seed, row?.[0] ?? 1);
  },
  dropImage: ({ db, image }: Target) => db.exec("DELETE FROM images WHERE id = ?", image),
  renameImage: ({ db, image, edit }: Target) =>
    db.exec(
      "UPDATE OR IGNORE images SET filepath = ? WHERE id = ?",
      `${edit.text}${image}.png`,
      image,
    ),
  swapPaths: ({ db, image, other }: Target) => {
    const pathOf = (id: number) =>
      db.prepare("SELECT filepath FROM images WHERE id = ?").value<[string]>(id)?.[0];
    const [path, otherPath] = [pathOf(image), pathOf(other)];
    if (image === other || path === undefined || otherPath === undefined) return;
    db.exec("UPDATE images SET filepath = 'between' WHERE id = ?", image);
    db.exec("UPDATE images SET filepath = ? WHERE id = ?", path, other);
    db.exec("UPDATE images SET filepath = ? WHERE id = ?", otherPath, image);
  },
  setColumns: ({ db, image, edit }: Target) => {
    const { columns } = edit.seed;
    const assignments = Object.keys(columns).map((name) => `${name} = ?`);
    db.exec(
      `UPDATE images SET ${assignments.join(", ")} WHERE id = ?`,
      ...Object.values(columns),
      image,
    );
  },
  link: ({ db, image, tag }: Target) =>
    db.exec(
      `INSERT OR IGNORE INTO image_tags (image_id, tag_id)
       SELECT images.id, tags.id FROM images, tags WHERE images.id = ? AND tags.id = ?`,
      image,
      tag,
    ),
  linkAgain: ({ db, image, tag }: Target) =>
    db.exec(
      `INSERT OR REPLACE INTO image_tags (image_id, tag_id, source)
       SELECT images.id, tags.id, 'user' FROM images, tags WHERE images.id = ? AND tags.id = ?`,
      image,
      tag,
    ),
  unlink: ({ db, image, tag }: Target) =>
    db.exec("DELETE FROM image_tags WHERE image_id = ? AND tag_id = ?", image, tag),
  moveLinks: ({ db, image, other }: Target) =>
    db.exec(
      `UPDATE OR IGNORE image_tags SET image_id = ?2
       WHERE image_id = ?1 AND EXISTS (SELECT 1 FROM images WHERE id = ?2)`,
      image,
      other,
    ),
  setMetadata: ({ db, image, edit }: Target) => {
    const exists = db.prepare("SELECT 1 FROM images WHERE id = ?").value(image) !== undefined;
    if (exists && edit.seed.metadata !== undefined) setMetadata(db, image, edit.seed.metadata);
  },
  dropMetadata: ({ db, image }: Target) =>
    db.exec("DELETE FROM raw_metadata WHERE image_id = ?", image),
  addTag: ({ db, edit }: Target) =>
    db.exec("INSERT OR IGNORE INTO tags (name, category) VALUES (?, 'artist')", `new_${edit.text}`),
  renameTag: ({ db, tag, edit }: Target) =>
    db.exec("UPDATE OR IGNORE tags SET name = ? WHERE id = ?", edit.text, tag),
  recategorise: ({ db, tag, edit }: Target) =>
    db.exec(
      "UPDATE tags SET category = ? WHERE id = ?",
      [null, "meta", "artist", "odd"][edit.other % 4],
      tag,
    ),
  dropTag: ({ db, tag }: Target) => db.exec("DELETE FROM tags WHERE id = ?", tag),
  replaceTag: ({ db, tag }: Target) =>
    db.exec("INSERT OR REPLACE INTO tags (name) SELECT name FROM tags WHERE id = ?", tag),
  replaceImage: ({ db, image }: Target) =>
    db.exec(
      `INSERT OR REPLACE INTO images (filepath, md5)
       SELECT filepath, printf('%032d', id) FROM images WHERE id = ?`,
      image,
    ),
  takePath: ({ db, image, other }: Target) =>
    db.exec(
      `UPDATE OR REPLACE images SET filepath = (SELECT filepath FROM images WHERE id = ?2)
       WHERE id = ?1 AND EXISTS (SELECT 1 FROM images WHERE id = ?2)`,
      image,
      other,
    ),
} as const;

function addImage(db: Database, seed: ImageSeed, id: number): void {
  const tags = db.prepare("SELECT id, name FROM tags ORDER BY id").all<TagSpec & { id: number }>();
  const spec: ImageSpec = toImageSpec(seed, id, tags);
  const isTaken = db.prepare("SELECT 1 FROM images WHERE filepath = ? OR md5 = ?")
    .value(spec.filepath!, spec.md5!) !== undefined;
  if (isTaken) return;
  fillLibrary(db, { images: [{ ...spec, tags: [], metadata: undefined }] });
  for (const tag of tags.filter(({ name }) => spec.tags!.includes(name))) {
    // Without foreign keys the links of an earlier image with this id may be there.
    db.exec("INSERT OR IGNORE INTO image_tags (image_id, tag_id) VALUES (?, ?)", id, tag.id);
  }
  if (spec.metadata !== undefined) setMetadata(db, id, spec.metadata);
}

function setMetadata(db: Database, image: number, metadata: unknown): void {
  const isRaw = typeof metadata === "string" || metadata instanceof Uint8Array;
  db.exec(
    `INSERT INTO raw_metadata (image_id, data) VALUES (?, ?)
     ON CONFLICT (image_id) DO UPDATE SET data = excluded.data`,
    image,
    isRaw ? metadata : JSON.stringify(metadata),
  );
}

/** Edits; tags get the names of ratings too if `hasRatings`. */
export function editsArbitrary(options: { hasRatings: boolean }): fc.Arbitrary<Edit[]> {
  const ratings = options.hasRatings ? ["rating:explicit", "rating:general"] : [];
  const edit = fc.record({
    kind: fc.constantFrom(...Object.keys(EDITS) as EditKind[]),
    at: fc.nat(),
    other: fc.nat(),
    seed: imageSeedArbitrary,
    text: fc.constantFrom("a", "b", "\ufeffé", "x y", ...ratings),
  });
  return fc.array(edit, { minLength: 1, maxLength: 6 });
}

/** Writes edits in one transaction, with foreign keys on as the original, or off as a shell. */
export function applyEdits(
  db: Database,
  edits: readonly Edit[],
  options: { foreignKeys: boolean },
): void {
  db.exec(`PRAGMA foreign_keys = ${options.foreignKeys ? "ON" : "OFF"}`);
  db.transaction(() => {
    for (const edit of edits) applyEdit(db, edit, options.foreignKeys);
  }).immediate();
}

function applyEdit(db: Database, edit: Edit, foreignKeys: boolean): void {
  const idsOf = (table: string) =>
    db.prepare(`SELECT id FROM ${table} ORDER BY id`).values<[number]>().map(([id]) => id);
  const [images, tags] = [idsOf("images"), idsOf("tags")];
  // REPLACE of a tag without foreign keys leaves links to nowhere, of which no trigger can know.
  if (edit.kind === "replaceTag" && !foreignKeys) return;
  EDITS[edit.kind]({
    db,
    image: images[edit.at % images.length] ?? 0,
    other: images[edit.other % images.length] ?? 0,
    tag: tags[edit.other % tags.length] ?? 0,
    edit,
  });
}
