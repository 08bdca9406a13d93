import type { TagId } from "../base/ids.ts";
import type { TagTable } from "./tag_table.ts";

/** The seed's mapping between tag names and integer ids, over the tag table that is current. */
export class TagIdCache {
  readonly #table: () => TagTable;
  readonly #reload: () => Promise<void>;

  /** Makes the mapping over whatever table is current. */
  constructor(options: { table: () => TagTable; reload: () => Promise<void> }) {
    this.#table = options.table;
    this.#reload = options.reload;
  }

  /** Id of a tag name. Cost: O(1). */
  getId(name: string): TagId | undefined {
    return this.#table().idOf(name);
  }

  /** Name of a tag id. Cost: O(log tags). */
  getName(id: TagId): string | undefined {
    return this.#table().nameOf(id);
  }

  /** Ids of the known names, in their order; unknown names are left out. */
  getIds(names: Iterable<string>): Int32Array {
    const table = this.#table();
    const ids: TagId[] = [];
    for (const name of names) {
      const id = table.idOf(name);
      if (id !== undefined) ids.push(id);
    }
    return Int32Array.from(ids);
  }

  /** Names of the known ids, in their order; unknown ids are left out. */
  getNames(ids: Iterable<TagId>): string[] {
    const table = this.#table();
    const names: string[] = [];
    for (const id of ids) {
      const name = table.nameOf(id);
      if (name !== undefined) names.push(name);
    }
    return names;
  }

  /** Ids of the known names in a space-separated text. */
  getIdsFromString(text: string): Int32Array {
    return this.getIds(text.split(/\s+/u).filter((name) => name !== ""));
  }

  /** Names of the known ids, separated by spaces. */
  getStringFromIds(ids: Iterable<TagId>): string {
    return this.getNames(ids).join(" ");
  }

  /** Reads the names and ids anew from the database. */
  reload(): Promise<void> {
    return this.#reload();
  }
}
