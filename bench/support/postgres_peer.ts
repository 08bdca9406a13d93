import { join } from "node:path";
import type { ImageColumns } from "../../src/cache/image_columns.ts";
import { PAGE_IMAGES } from "./naive_search.ts";
import type { Peer } from "./peer.ts";
import { type PostgresServer, startPostgres } from "./postgres_server.ts";
import { type LogNode, type RangeField, tagIdsOf } from "./query_log.ts";
import { toRangeCondition } from "./range_sql.ts";

/*
 * Tags as one int[] for an image under a GIN index of intarray, as the boorus on PostgreSQL have them,
 * and an index for every column of a range. The statements have their constants written out and are
 * compiled before they are timed, so that the planner knows each tag's frequency and its work is not
 * counted; count and page go in one round trip. Wildcards come expanded to tag ids. Both cores are its
 * own while it answers.
 */

const FIELDS: Record<RangeField, string> = {
  id: "id",
  score: "score",
  favCount: "fav_count",
  width: "width",
  height: "height",
  pixels: "(width * height)",
  ingestedAt: "ingested_at",
};

const TABLE = `
  CREATE EXTENSION intarray;
  CREATE TABLE images (id int, score int, fav_count int, width int, height int, ingested_at int,
    tags int[])`;

const INDEXES = [
  "ALTER TABLE images ADD PRIMARY KEY (id)",
  "CREATE INDEX ON images USING gin (tags gin__int_ops)",
  "CREATE INDEX ON images (score)",
  "CREATE INDEX ON images (fav_count)",
  "CREATE INDEX ON images (width)",
  "CREATE INDEX ON images (height)",
  "CREATE INDEX ON images ((width * height))",
  "CREATE INDEX ON images (ingested_at)",
  "CREATE EXTENSION pg_prewarm",
  "VACUUM (FREEZE, ANALYZE) images",
  "SELECT pg_prewarm(oid::regclass) FROM pg_class WHERE relname LIKE 'images%' AND relkind IN ('r', 'i')",
];

const ROWS_PER_WRITE = 5_000;

/** PostgreSQL in a process of its own over the rows of a snapshot. */
export async function openPostgresPeer(columns: ImageColumns): Promise<Peer> {
  const server = await startPostgres();
  try {
    const { client } = server;
    await fill(server, columns);
    const [[version]] = await client.query("SHOW server_version");
    let prepared = 0;
    return {
      name: "PostgreSQL",
      description: `PostgreSQL ${version}, one connection over a Unix socket, int[] under ` +
        "gin__int_ops, all in shared buffers, plans made beforehand, count + page of 40",
      prepare: async ({ node }) => {
        const where = toCondition(node);
        const names = [`count${++prepared}`, `page${prepared}`];
        await client.prepare(names[0], `SELECT count(*) FROM images WHERE ${where}`);
        await client.prepare(
          names[1],
          `SELECT id FROM images WHERE ${where} ORDER BY id DESC LIMIT ${PAGE_IMAGES}`,
        );
        return async () => {
          const [count, page] = await client.execute(names);
          return { total: Number(count[0][0]), ids: page.map(([id]) => Number(id)) };
        };
      },
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

async function fill({ client, folder }: PostgresServer, columns: ImageColumns): Promise<void> {
  const path = join(folder, "images.tsv");
  await writeRows(path, columns);
  // In one transaction with the table, so that nothing is logged.
  await client.query(`BEGIN; ${TABLE}; COPY images FROM '${path}'; COMMIT`);
  await Deno.remove(path);
  for (const sql of INDEXES) await client.query(sql);
}

async function writeRows(path: string, columns: ImageColumns): Promise<void> {
  const { imageId, score, favCount, width, height, ingestedAt, tagOffset, imageTagId } = columns;
  using file = await Deno.open(path, { write: true, create: true });
  const encoder = new TextEncoder();
  let text = "";
  for (let row = 0; row < imageId.length; row++) {
    const tags = imageTagId.subarray(tagOffset[row], tagOffset[row + 1]).join(",");
    const facts = [score, favCount, width, height, ingestedAt].map((column) => column[row]);
    text += `${imageId[row]}\t${facts.join("\t")}\t{${tags}}\n`;
    if ((row + 1) % ROWS_PER_WRITE !== 0 && row + 1 !== imageId.length) continue;
    const bytes = encoder.encode(text);
    for (let start = 0; start < bytes.length;) start += await file.write(bytes.subarray(start));
    text = "";
  }
}

/**
 * The fastest of what was tried: tags side by side by `@>`, choices by `@@` where they are all there is
 * to go by and by `&&` beside something rarer.
 */
function toCondition(node: LogNode, isAlone = true): string {
  const tagIds = tagIdsOf(node);
  if (tagIds !== null && tagIds.length > 1) {
    return isAlone ? `tags @@ '${tagIds.join("|")}'::query_int` : `tags && '{${tagIds}}'::int[]`;
  }
  switch (node.kind) {
    case "tag":
      return `tags @> '{${node.tagId}}'::int[]`;
    case "not":
      return `NOT ${toCondition(node.node, false)}`;
    case "or":
      return `(${node.nodes.map((inner) => toCondition(inner)).join(" OR ")})`;
    case "and": {
      const tags = node.nodes.flatMap((inner) => (inner.kind === "tag" ? [inner.tagId] : []));
      const others = node.nodes.filter((inner) => inner.kind !== "tag");
      const conditions = others.map((inner) => toCondition(inner, false));
      if (tags.length > 0) conditions.unshift(`tags @> '{${tags}}'::int[]`);
      return `(${conditions.join(" AND ")})`;
    }
    default:
      return toRangeCondition(node, FIELDS);
  }
}
