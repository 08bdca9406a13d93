import { type Database, prepared } from "./database.ts";

/** A tag as it is stored. */
export type KnownTag = { readonly name: string; readonly category: string | null };

type Ranked = KnownTag & { rank: number };

/**
 * Tags that a piece of work looks at, each read once. For work during which nobody else writes, and which
 * says what it changed itself ({@link KnownTags.forget}).
 */
export class KnownTags {
  readonly #db: Database;
  readonly #byId = new Map<number, Ranked | undefined>();
  readonly #ids = new Map<string, number | undefined>();
  /** All that are there, by the bytes of their names; made anew when others were read. */
  #ranked: Ranked[] = [];
  #areRanked = true;

  /** Knows nothing yet. */
  constructor(db: Database) {
    this.#db = db;
  }

  /** Reads those that are not known yet, all in one go. */
  load(ids: Iterable<number>): void {
    let missing: Set<number> | undefined;
    for (const id of ids) {
      if (!this.#byId.has(id)) (missing ??= new Set()).add(id);
    }
    if (missing === undefined) return;
    const rows = prepared(
      this.#db,
      "SELECT id, name, category FROM tags WHERE id IN (SELECT value FROM json_each(?))",
    ).values<[number, string, string | null]>(JSON.stringify([...missing]));
    for (const [id, name, category] of rows) this.#byId.set(id, { name, category, rank: 0 });
    if (rows.length > 0) this.#areRanked = false;
    if (rows.length === missing.size) return;
    for (const id of missing) {
      if (!this.#byId.has(id)) this.#byId.set(id, undefined);
    }
  }

  /** As {@link KnownTags.load}, of what has these tags. */
  loadLinks(links: Iterable<ReadonlyMap<number, unknown>>): void {
    const missing = new Set<number>();
    for (const own of links) {
      for (const id of own.keys()) {
        if (!this.#byId.has(id)) missing.add(id);
      }
    }
    this.load(missing);
  }

  /** A tag; undefined when it is gone. */
  get(id: number): KnownTag | undefined {
    this.load([id]);
    return this.#byId.get(id);
  }

  /** Id of the tag of a name, if there is one. */
  idOf(name: string): number | undefined {
    if (!this.#ids.has(name)) {
      const row = prepared(this.#db, "SELECT id FROM tags WHERE name = ?").value<[number]>(name);
      this.#ids.set(name, row?.[0]);
    }
    return this.#ids.get(name);
  }

  /** Ids of those names that are tags. */
  idsOf(names: Iterable<string>): Set<number> {
    const ids = new Set<number>();
    for (const name of names) {
      const id = this.idOf(name);
      if (id !== undefined) ids.add(id);
    }
    return ids;
  }

  /** Names of those tags that are there, in the order given. */
  namesOf(ids: Iterable<number>): string[] {
    const wanted = [...ids];
    this.load(wanted);
    return wanted.map((id) => this.#byId.get(id)?.name).filter((name) => name !== undefined);
  }

  /** Those that are there, in the order of the bytes of their names, as SQLite sorts them. */
  sorted(ids: Iterable<number>): KnownTag[] {
    const wanted = [...ids];
    this.load(wanted);
    if (!this.#areRanked) this.#rank();
    const ranks = new Int32Array(wanted.length);
    let count = 0;
    for (const id of wanted) {
      const tag = this.#byId.get(id);
      if (tag !== undefined) ranks[count++] = tag.rank;
    }
    ranks.subarray(0, count).sort();
    // Loops, since this is done twice for every image of an operation.
    const tags: KnownTag[] = [];
    for (let i = 0; i < count; i++) tags.push(this.#ranked[ranks[i]]);
    return tags;
  }

  /** Reads a tag again the next time: it was made, or got another category. */
  forget(id: number, name: string): void {
    this.#byId.delete(id);
    this.#ids.delete(name);
  }

  #rank(): void {
    const tags = [...this.#byId.values()].filter((tag) => tag !== undefined);
    this.#ranked = tags.sort((a, b) => compareInBytes(a.name, b.name));
    for (const [rank, tag] of this.#ranked.entries()) tag.rank = rank;
    this.#areRanked = true;
  }
}

/** Compares texts by their bytes in UTF-8, in which surrogates come behind all other units. */
export function compareInBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x === y) continue;
    const isHigh = isSurrogate(x);
    return isHigh === isSurrogate(y) ? x - y : isHigh ? 1 : -1;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
