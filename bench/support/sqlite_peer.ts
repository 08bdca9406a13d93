import { Database } from "@db/sqlite";
import type { ImageSnapshot } from "../../src/cache/image_snapshot.ts";
import { provideFile, warm } from "./libraries.ts";
import { PAGE_IMAGES } from "./naive_search.ts";
import type { Peer } from "./peer.ts";
import { asksRange, type LogNode, type RangeField, tagIdsOf } from "./query_log.ts";
import { toRangeCondition } from "./range_sql.ts";

/*
 * The usual SQL: image_tags, one EXISTS for each further tag, a count and a page. It is given more than
 * the library's own database has: a file of its own with the columns that are asked for and nothing
 * else, a covering index on (tag_id, image_id), statistics, everything in its cache, statements
 * compiled beforehand, and the rarest tag as the driving list, which its planner would not find.
 */

const CACHE_KB = 6_000_000;

const COPY = `
  CREATE TABLE images (id INTEGER PRIMARY KEY, score INT, fav_count INT, width INT, height INT,
    ingested_at INT);
  INSERT INTO images SELECT id, score, fav_count, image_width, image_height,
    unixepoch(ingested_at) FROM library.images ORDER BY id;
  CREATE TABLE image_tags (image_id INT, tag_id INT, PRIMARY KEY (image_id, tag_id)) WITHOUT ROWID;
  INSERT INTO image_tags SELECT image_id, tag_id FROM library.image_tags ORDER BY image_id, tag_id;
  CREATE INDEX image_tags_tag ON image_tags (tag_id, image_id);
  CREATE INDEX images_score ON images (score);
  DETACH library;
  ANALYZE;`;

const FIELDS: Record<RangeField, string> = {
  id: "i.id",
  score: "i.score",
  favCount: "i.fav_count",
  width: "i.width",
  height: "i.height",
  pixels: "i.width * i.height",
  ingestedAt: "i.ingested_at",
};

/** SQLite over a copy of a library's tables; the copy stays beside the library for the next run. */
export async function openSqlitePeer(
  options: { library: string; snapshot: ImageSnapshot },
): Promise<Peer> {
  const path = await provideFile(options.library.replace(/\.db$/, ".sqlite-peer"), (path) => {
    const copy = new Database(path, { int64: true, parseJson: false });
    copy.exec("PRAGMA page_size = 8192; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
    copy.exec("ATTACH ? AS library", options.library);
    copy.exec(COPY);
    copy.close();
  });
  await warm(path);
  const db = new Database(path, { int64: true, parseJson: false, readonly: true });
  db.exec(`PRAGMA cache_size = -${CACHE_KB}; PRAGMA temp_store = MEMORY`);
  db.exec(`PRAGMA mmap_size = ${CACHE_KB * 1_000}`);
  const version = db.prepare("SELECT sqlite_version()").value<[string]>()![0];
  return {
    name: "SQLite",
    description: `SQLite ${version} in process, EXISTS over image_tags, covering index ` +
      "(tag_id, image_id), rarest tag first, all in memory, count + page of 40",
    prepare: ({ node }) => {
      const { from, where } = toSql(options.snapshot, node);
      const count = db.prepare(`SELECT count(*) FROM ${from} WHERE ${where}`);
      const page = db.prepare(
        `SELECT i.id FROM ${from} WHERE ${where} ORDER BY i.id DESC LIMIT ${PAGE_IMAGES}`,
      );
      return Promise.resolve(() => ({
        total: count.value<[number]>()![0],
        ids: page.values<[number]>().map(([id]) => id),
      }));
    },
    [Symbol.asyncDispose]: () => Promise.resolve(db.close()),
  };
}

/** One list drives if the query demands one: the rarest tag, else the union of a wildcard or an OR. */
function toSql(snapshot: ImageSnapshot, node: LogNode): { from: string; where: string } {
  if (node.kind === "or" && tagIdsOf(node) === null) {
    const sides = node.nodes.map((inner) => toSql(snapshot, inner))
      .map(({ from, where }) => `SELECT i.id FROM ${from} WHERE ${where}`);
    return { from: `(${sides.join(" UNION ")}) i`, where: "1" };
  }
  const nodes = node.kind === "and" ? node.nodes : [node];
  const driver = nodes.filter((inner) => tagIdsOf(inner) !== null).map((inner) => ({
    inner,
    tagIds: tagIdsOf(inner)!,
    images: tagIdsOf(inner)!.reduce((sum, id) => sum + snapshot.countOfTag(id), 0),
  })).sort((a, b) => a.images - b.images)[0];
  const others = nodes.filter((inner) => inner !== driver?.inner);
  const where = others.map((inner) => toCondition(inner)).join(" AND ") || "1";
  if (driver === undefined) return { from: "images i", where };
  const isOne = driver.tagIds.length === 1;
  const list = isOne
    ? `(SELECT image_id AS id FROM image_tags WHERE tag_id = ${driver.tagIds[0]})`
    : `(SELECT DISTINCT image_id AS id FROM image_tags WHERE tag_id IN (${driver.tagIds}))`;
  const hasRange = others.some(asksRange);
  const from = hasRange ? `${list} d CROSS JOIN images i ON i.id = d.id` : `${list} i`;
  return { from, where };
}

function toCondition(node: LogNode): string {
  const tagIds = tagIdsOf(node);
  if (tagIds !== null) {
    const which = tagIds.length === 1 ? `= ${tagIds[0]}` : `IN (${tagIds})`;
    return `EXISTS (SELECT 1 FROM image_tags t WHERE t.image_id = i.id AND t.tag_id ${which})`;
  }
  switch (node.kind) {
    case "not":
      return `NOT ${toCondition(node.node)}`;
    case "and":
      return `(${node.nodes.map(toCondition).join(" AND ")})`;
    case "or":
      return `(${node.nodes.map(toCondition).join(" OR ")})`;
    default:
      return toRangeCondition(node, FIELDS);
  }
}
