import { LIBRARY_SECTIONS, type LibrarySection } from "../tags/library_file.ts";
import { type Database, prepared } from "./database.ts";

/** Which images were exported: all of them, or these. */
export type ExportedIds = ReadonlySet<number> | null;

type Cell = string | number | null;
type Row = Cell[];
/** Rows of a section that follow a key, which stands first in each row. */
type Page = { sql: string; start: Cell };

const PAGE_ROWS = 2_000;

/** Sections that tell of the library as a whole: an export of some images leaves them out. */
const WHOLE_ONLY: readonly LibrarySection[] = [
  "tags",
  "list_aliases",
  "deltas",
  "source_choices",
  "settings",
];

const NO_IMAGE = "NOT EXISTS (SELECT 1 FROM images WHERE images.md5 = image_md5)";

/** Section → its rows; a page is what follows ?1, at most ?2 rows. */
const PAGES: Record<LibrarySection, Page> = {
  tags: {
    sql: `SELECT id, name, category, extended_category FROM tags WHERE id > ?1
      AND (extended_category IS NOT NULL
        OR NOT EXISTS (SELECT 1 FROM image_tags WHERE tag_id = tags.id))
      ORDER BY id LIMIT ?2`,
    start: -1,
  },
  aliases: {
    sql: `SELECT antecedent, antecedent, consequent, status, created_at_ms FROM tag_aliases
      WHERE antecedent > ?1 ORDER BY antecedent LIMIT ?2`,
    start: "",
  },
  list_aliases: {
    sql: `SELECT antecedent, antecedent, consequent, numbering FROM list_aliases
      WHERE antecedent > ?1 ORDER BY antecedent LIMIT ?2`,
    start: "",
  },
  implications: {
    // Those that are being taken back are gone as soon as somebody waits for it.
    sql: `SELECT rules.rowid, source.name, source.category, implied.name, implied.category,
        inference_type, confidence, created_at, status
      FROM tag_implications AS rules JOIN tags AS source ON source.id = source_tag_id
        JOIN tags AS implied ON implied.id = implied_tag_id
      WHERE rules.rowid > ?1 AND status IS NOT 'removing' ORDER BY rules.rowid LIMIT ?2`,
    start: -1,
  },
  pools: {
    sql: "SELECT id, id, name, description FROM pools WHERE id > ?1 ORDER BY id LIMIT ?2",
    start: -1,
  },
  relations: {
    sql: `SELECT relations.id, a.id, b.id, a.md5, b.md5, relation_type, source, created_at
      FROM image_relations AS relations JOIN images AS a ON a.id = image_id_a
        JOIN images AS b ON b.id = image_id_b
      WHERE relations.id > ?1 ORDER BY relations.id LIMIT ?2`,
    start: -1,
  },
  deltas: {
    sql: `SELECT id, image_md5, operation, tag_name, tag_category, CAST(timestamp AS TEXT)
      FROM tag_deltas WHERE id > ?1 AND ${NO_IMAGE} ORDER BY id LIMIT ?2`,
    start: -1,
  },
  source_choices: {
    sql: `SELECT image_md5, image_md5, source FROM source_choices
      WHERE image_md5 > ?1 AND ${NO_IMAGE} ORDER BY image_md5 LIMIT ?2`,
    start: "",
  },
  settings: {
    sql: `SELECT key, key, value FROM library_state
      WHERE key > ?1 AND key IN ('blacklisted_tags', 'source_priority') ORDER BY key LIMIT ?2`,
    start: "",
  },
};

/** Writes the sections of the library's own file, piece by piece, behind its header. */
export function* writeLibrarySections(db: Database, ids: ExportedIds): Generator<string> {
  for (const [i, section] of LIBRARY_SECTIONS.entries()) {
    yield `${i === 0 ? "" : ",\n"}${JSON.stringify(section)}:[`;
    let separator = "\n";
    for (const entries of readSection(db, section, ids)) {
      if (entries.length === 0) continue;
      yield separator + entries.map((entry) => JSON.stringify(entry)).join(",\n");
      separator = ",\n";
    }
    yield "]";
  }
  yield "}\n";
}

function* readSection(
  db: Database,
  section: LibrarySection,
  ids: ExportedIds,
): Generator<unknown[]> {
  if (ids !== null && WHOLE_ONLY.includes(section)) return;
  const { sql, start } = PAGES[section];
  for (let after = start;;) {
    const rows = prepared(db, sql).values<Row>(after, PAGE_ROWS);
    if (rows.length === 0) return;
    after = rows.at(-1)![0];
    yield rows.flatMap(([, ...values]) => {
      const cells = values.map((value) => typeof value === "bigint" ? Number(value) : value);
      const entry = toEntry(db, section, { cells, ids });
      return entry === undefined ? [] : [entry];
    });
  }
}

/** A row as an entry; undefined if it tells only of images that are not exported. */
function toEntry(
  db: Database,
  section: LibrarySection,
  { cells, ids }: { cells: Row; ids: ExportedIds },
): unknown {
  if (section === "pools") return toPool(db, cells, ids);
  if (section === "deltas" || section === "source_choices") {
    return isMd5(cells[0]) ? cells : undefined;
  }
  if (section !== "relations") return cells;
  const [a, b, ...rest] = cells;
  if (ids !== null && !(ids.has(Number(a)) && ids.has(Number(b)))) return undefined;
  return isMd5(rest[0]) && isMd5(rest[1]) ? rest : undefined;
}

/** What is named by anything else cannot be found again. */
function isMd5(value: unknown): boolean {
  return typeof value === "string" && /^[0-9a-f]{32}$/i.test(value);
}

function toPool(db: Database, [id, name, description]: Row, ids: ExportedIds): unknown {
  const images = prepared(
    db,
    `SELECT image_id, md5, sort_order FROM pool_images JOIN images ON images.id = image_id
     WHERE pool_id = ? ORDER BY sort_order, image_id`,
  ).values<[number, string, Cell]>(id)
    .filter(([imageId, md5]) => (ids === null || ids.has(imageId)) && isMd5(md5));
  // Of some images only: whoever gets them need not know of others.
  if (ids !== null && images.length === 0) return undefined;
  return { name, description, images: images.map(([, md5, order]) => [md5, order]) };
}
