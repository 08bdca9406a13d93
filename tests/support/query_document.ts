import { md5Of } from "./library_builder.ts";
import type { NaiveImage, NaiveLibrary, NaiveTag } from "./naive_search.ts";

/** One line of an examples table: the search, and the ids or the offset beside it. */
export type QueryExample = { search: string; finds: number[] } | {
  search: string;
  refusedAt: number;
};

/** What docs/query_language.md says, for tests. */
export type QueryDocument = {
  text: string;
  library: NaiveLibrary;
  examples: QueryExample[];
  /** Names in the first column of the tables of metatags. */
  metatags: string[];
  /** Names in the first column of the table of orders. */
  orders: string[];
};

/** Reads docs/query_language.md: its library, its examples, its names. */
export async function readQueryDocument(): Promise<QueryDocument> {
  const text = await Deno.readTextFile(new URL("../../docs/query_language.md", import.meta.url));
  const tables = readTables(text);
  const found = tables.filter(({ head }) => head[0] === "Search" && head[1] === "Finds");
  const refused = tables.filter(({ head }) => head[0] === "Search" && head[1] === "Refused at");
  return {
    text,
    library: readLibrary(text, tables[0]),
    examples: [
      ...found.flatMap(({ rows }) =>
        rows.map(([search, ids]) => ({ search: unquote(search), finds: toNumbers(ids) }))
      ),
      ...refused.flatMap(({ rows }) =>
        rows.map(([search, at]) => ({ search: unquote(search), refusedAt: Number(at) }))
      ),
    ],
    metatags: namesOf(tables.filter(({ head }) => head[0] === "Metatag")),
    orders: namesOf(tables.filter(({ head }) => head[0] === "Order")),
  };
}

type Table = { head: string[]; rows: string[][] };

function readTables(text: string): Table[] {
  return text.split(/\n(?!\|)/).flatMap((block) => {
    const lines = block.split("\n").filter((line) => line.startsWith("|"));
    if (lines.length < 3) return [];
    const [head, , ...rows] = lines.map((line) =>
      line.replace(/^\||\|\s*$/g, "").split("|").map((cell) => cell.trim())
    );
    return [{ head, rows }];
  });
}

function unquote(cell: string): string {
  if (!/^`.*`$/.test(cell)) throw new Error(`The search ${cell} is not in backticks`);
  return cell.slice(1, -1);
}

function toNumbers(cell: string): number[] {
  if (cell === "") return [];
  if (!/^\d+( \d+)*$/.test(cell)) throw new Error(`"${cell}" is no list of ids`);
  return cell.split(" ").map(Number);
}

function namesOf(tables: readonly Table[]): string[] {
  return tables.flatMap(({ rows }) =>
    rows.flatMap(([names]) => [...names.matchAll(/`([a-z0-9_]+)[^`]*`/g)].map(([, name]) => name))
  );
}

function readLibrary(text: string, { rows }: Table): NaiveLibrary {
  const found = /The pool \*(.+?)\* \(pool 1\)\s+has posts ([\d, ]+) in/.exec(text);
  const empty = /the pool \*(\w+)\* \(pool 2\) has none/.exec(text);
  const alias = /The alias `(\w+)` stands for `(\w+)`/.exec(text);
  if (found === null || empty === null || alias === null) {
    throw new Error("The pools or the alias of the ten posts are not described as they were");
  }
  return {
    images: rows.map(readImage),
    pools: [
      { id: 1, name: found[1], imageIds: found[2].split(",").map(Number) },
      { id: 2, name: empty[1], imageIds: [] },
    ],
    aliases: [{ from: alias[1], to: alias[2] }],
  };
}

const PREFIXED = /^(artist|character|copyright|species|meta):(.+)$/;

function readTags(cell: string): NaiveTag[] {
  if (cell === "none") return [];
  return unquote(cell).split(" ").map((tag) => {
    const [, category = "general", name = tag] = PREFIXED.exec(tag) ?? [];
    return { name, category };
  });
}

function readImage([id, tags, facts]: string[]): NaiveImage {
  const image: NaiveImage = {
    id: Number(id),
    filepath: "",
    md5: md5Of(Number(id)),
    tags: readTags(tags),
    ratings: [],
    width: null,
    height: null,
    score: 0,
    favCount: 0,
    bytes: null,
    durationMs: null,
    addedAt: null,
    favouritedAt: null,
    parents: [],
    parentPostId: null,
    posts: [],
    source: null,
    fileType: null,
  };
  for (const fact of facts.split(" · ")) readFact(image, fact);
  const name = image.id % 2 === 1 ? `set a/post_${id}` : `set b/Post_${id}`;
  return { ...image, filepath: `${name}.${image.fileType}` };
}

const RATINGS: Record<string, string> = {
  g: "general",
  s: "sensitive",
  q: "questionable",
  e: "explicit",
};

/** Fact → what it says of an image; a fact that none of these reads is an error. */
const FACTS: [pattern: RegExp, read: (image: NaiveImage, ...parts: string[]) => void][] = [
  [/^rating ([gsqe])$/, (image, letter) => image.ratings.push(RATINGS[letter])],
  [/^no rating$/, () => {}],
  [/^(\d+)×(\d+) (\w+)$/, (image, width, height, type) => {
    image.width = Number(width);
    image.height = Number(height);
    image.fileType = type;
  }],
  [/^size not known (\w+)$/, (image, type) => image.fileType = type],
  [/^([\d,]+) bytes$/, (image, bytes) => image.bytes = Number(bytes.replaceAll(",", ""))],
  [/^(\d+) s$/, (image, seconds) => image.durationMs = 1000 * Number(seconds)],
  [/^score (-?\d+)$/, (image, score) => image.score = Number(score)],
  [/^favs (\d+)$/, (image, count) => image.favCount = Number(count)],
  [/^(danbooru|e621) (\d+)$/, (image, site, id) => image.posts.push({ site, id: Number(id) })],
  [/^source `(.+)`$/, (image, source) => image.source = source],
  [/^parent: post (\d+)$/, (image, parent) => image.parents.push(Number(parent))],
  [/^favourite$/, (image) => image.favouritedAt = Date.UTC(2025, 7, 1) / 1000 + image.id],
  [/^added (\d{4}-\d\d-\d\d) (\d\d:\d\d)$/, (image, day, time) => {
    image.addedAt = Date.parse(`${day}T${time}:00Z`) / 1000;
  }],
];

function readFact(image: NaiveImage, fact: string): void {
  for (const [pattern, read] of FACTS) {
    const match = pattern.exec(fact);
    if (match !== null) return read(image, ...match.slice(1));
  }
  throw new Error(`Nothing reads the fact "${fact}" of post ${image.id}`);
}
