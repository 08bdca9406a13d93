import type { TagId } from "../base/ids.ts";
import { MAIN_SLICE_MS } from "../base/limits.ts";
import { TAG_CATEGORIES } from "../tags/category.ts";
import { findSorted, type TagNameColumns } from "./columns_builder.ts";
import type { TagRecord } from "./ports.ts";

const encoder = new TextEncoder();

/** Tags between two looks at the clock while names are decoded. */
const SLICE_TAGS = 2_000;

/**
 * Tag names ⇄ ids with their categories, immutable.
 *
 * A table is one decoded base and a small patch of tags that were added, renamed or removed since; a
 * changed table shares the base with the old one.
 */
export class TagTable {
  readonly #ids: Int32Array;
  readonly #names: readonly string[];
  readonly #categories: Uint8Array;
  readonly #idByName: ReadonlyMap<string, TagId>;
  readonly #patch: ReadonlyMap<TagId, TagRecord | null>;
  readonly #patchedIdByName: ReadonlyMap<string, TagId>;
  #patchedSize: number;

  private constructor(
    base: {
      ids: Int32Array;
      names: readonly string[];
      categories: Uint8Array;
      idByName: ReadonlyMap<string, TagId>;
    },
    patch: ReadonlyMap<TagId, TagRecord | null>,
  ) {
    this.#ids = base.ids;
    this.#names = base.names;
    this.#categories = base.categories;
    this.#idByName = base.idByName;
    this.#patch = patch;
    const patchedIdByName = new Map<string, TagId>();
    let size = base.ids.length;
    for (const [id, record] of patch) {
      const isInBase = findSorted(base.ids, id) >= 0;
      if (record === null) size -= isInBase ? 1 : 0;
      else {
        size += isInBase ? 0 : 1;
        patchedIdByName.set(record.name, id);
      }
    }
    this.#patchedIdByName = patchedIdByName;
    this.#patchedSize = size;
  }

  /** The table without tags. */
  static readonly EMPTY: TagTable = new TagTable(
    { ids: new Int32Array(), names: [], categories: new Uint8Array(), idByName: new Map() },
    new Map(),
  );

  /** Decodes a table in slices, so that 200,000 names do not stall the main isolate for 0.1 s. */
  static async build(columns: TagNameColumns): Promise<TagTable> {
    const { tagId, tagNameOffset, tagNameBytes, tagCategory } = columns;
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    const names: string[] = [];
    const idByName = new Map<string, TagId>();
    let sliceEnd = performance.now() + MAIN_SLICE_MS;
    for (let i = 0; i < tagId.length; i++) {
      const name = decoder.decode(tagNameBytes.subarray(tagNameOffset[i], tagNameOffset[i + 1]));
      names.push(name);
      idByName.set(name, tagId[i]);
      if (i % SLICE_TAGS === 0 && performance.now() > sliceEnd) {
        await new Promise((resolve) => setTimeout(resolve, 0));
        sliceEnd = performance.now() + MAIN_SLICE_MS;
      }
    }
    return new TagTable({ ids: tagId, names, categories: tagCategory, idByName }, new Map());
  }

  /** Tags of this table. */
  get size(): number {
    return this.#patchedSize;
  }

  /** Whether a tag with this id is known. */
  has(id: TagId): boolean {
    const patched = this.#patch.get(id);
    return patched !== undefined ? patched !== null : findSorted(this.#ids, id) >= 0;
  }

  /** Id of a name, exactly as stored. Cost: O(1). */
  idOf(name: string): TagId | undefined {
    const patched = this.#patchedIdByName.get(name);
    if (patched !== undefined) return patched;
    const id = this.#idByName.get(name);
    return id !== undefined && !this.#patch.has(id) ? id : undefined;
  }

  /** Name of an id. Cost: O(log tags). */
  nameOf(id: TagId): string | undefined {
    const patched = this.#patch.get(id);
    if (patched !== undefined) return patched?.name;
    const index = findSorted(this.#ids, id);
    return index < 0 ? undefined : this.#names[index];
  }

  /** Category of an id; undefined when it has none or the id is unknown. Cost: O(log tags). */
  categoryOf(id: TagId): string | undefined {
    const patched = this.#patch.get(id);
    if (patched !== undefined) return toKnownCategory(patched?.category);
    const index = findSorted(this.#ids, id);
    return index < 0 ? undefined : TAG_CATEGORIES[this.#categories[index] - 1];
  }

  /** Every id with its name, the base in the order of ids and then what was added. */
  *entries(): Generator<[TagId, string]> {
    for (let i = 0; i < this.#ids.length; i++) {
      if (!this.#patch.has(this.#ids[i])) yield [this.#ids[i], this.#names[i]];
    }
    for (const [id, record] of this.#patch) {
      if (record !== null) yield [id, record.name];
    }
  }

  /** A table in which these tags are as given, null meaning removed. Cost: O(size of the patch). */
  with(changes: Iterable<[TagId, TagRecord | null]>): TagTable {
    const patch = new Map(this.#patch);
    for (const [id, record] of changes) patch.set(id, record);
    return new TagTable(
      {
        ids: this.#ids,
        names: this.#names,
        categories: this.#categories,
        idByName: this.#idByName,
      },
      patch,
    );
  }

  /**
   * How this table differs from columns: tags that were added, renamed, given another category (as they
   * are now) or removed (null) since, by id.
   *
   * Cost: O(1) for the columns that this table was built from; for others (a table read anew) one pass
   * over all tags, kept for as long as both live.
   */
  changesSince(columns: TagNameColumns): ReadonlyMap<TagId, TagRecord | null> {
    if (this.#ids === columns.tagId) return this.#patch;
    const kept = CHANGES.get(this.#names) ?? new WeakMap<Int32Array, Changes>();
    CHANGES.set(this.#names, kept);
    let changes = kept.get(columns.tagId);
    if (changes === undefined) kept.set(columns.tagId, changes = this.#compareWith(columns));
    return this.#patch.size === 0 ? changes : new Map([...changes, ...this.#patch]);
  }

  #compareWith(columns: TagNameColumns): Changes {
    const { tagId, tagCategory } = columns;
    const changes = new Map<TagId, TagRecord | null>();
    let place = 0;
    for (let i = 0; i < this.#ids.length; i++) {
      const id = this.#ids[i];
      for (; place < tagId.length && tagId[place] < id; place++) changes.set(tagId[place], null);
      const isThere = place < tagId.length && tagId[place] === id;
      const name = this.#names[i];
      const isSame = isThere && tagCategory[place] === this.#categories[i] &&
        isNameAt(columns, place, name);
      const category = TAG_CATEGORIES[this.#categories[i] - 1] ?? null;
      if (!isSame) changes.set(id, { id, name, category });
      if (isThere) place++;
    }
    for (; place < tagId.length; place++) changes.set(tagId[place], null);
    return changes;
  }

  /** This table if it has every one of `tags` as given, else one that does. */
  withKnown(tags: readonly TagRecord[]): TagTable {
    const changed = tags.filter((tag) =>
      this.nameOf(tag.id) !== tag.name || this.categoryOf(tag.id) !== toKnownCategory(tag.category)
    );
    return changed.length === 0 ? this : this.with(changed.map((tag) => [tag.id, tag]));
  }
}

type Changes = ReadonlyMap<TagId, TagRecord | null>;

/** Differences between the names of a base and columns, which neither table nor columns change. */
const CHANGES = new WeakMap<readonly string[], WeakMap<Int32Array, Changes>>();

/** Whether a name of the columns is this one; most names are ASCII and need no decoder. */
function isNameAt(columns: TagNameColumns, place: number, name: string): boolean {
  const { tagNameOffset, tagNameBytes } = columns;
  const start = tagNameOffset[place];
  const end = tagNameOffset[place + 1];
  const bytes = end - start === name.length ? name : encoder.encode(name);
  if (bytes.length !== end - start) return false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = typeof bytes === "string" ? bytes.charCodeAt(i) : bytes[i];
    // A text with other signs is shorter than its bytes, so a text of this length has none.
    if (tagNameBytes[start + i] !== byte || (bytes === name && byte >= 0x80)) return false;
  }
  return true;
}

/** A category as the columns can hold it: what is none of TAG_CATEGORIES counts as none. */
function toKnownCategory(category: string | null | undefined): string | undefined {
  return TAG_CATEGORIES.find((name) => name === category);
}
