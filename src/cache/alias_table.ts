import { MAIN_SLICE_MS } from "../base/limits.ts";
import { decodeTexts, type PackedTexts } from "./packed_texts.ts";

/** The active aliases: antecedent and consequent of each, one after the other. */
export type PackedAliases = PackedTexts;

const NO_NAMES: readonly string[] = [];
/** Aliases between two looks at the clock while a table is filled. */
const SLICE_ALIASES = 2_000;

/** Other names of tags, immutable: whoever asks for the antecedent means the consequent. */
export class AliasTable {
  readonly #consequents: ReadonlyMap<string, string>;
  /** Where names lead that were asked for; null = into a circle. */
  readonly #ends = new Map<string, string | null>();
  #antecedents: ReadonlyMap<string, readonly string[]> | undefined;

  private constructor(consequents: ReadonlyMap<string, string>) {
    this.#consequents = consequents;
  }

  /** The table without aliases. */
  static readonly EMPTY: AliasTable = new AliasTable(new Map());

  /** A table of these pairs of antecedent and consequent. Cost: O(pairs). */
  static of(entries: Iterable<readonly [string, string]>): AliasTable {
    return new AliasTable(new Map(entries));
  }

  /** Decodes packed aliases in slices. Cost: O(pairs). */
  static async build(packed: PackedAliases): Promise<AliasTable> {
    const texts = await decodeTexts(packed);
    const consequents = new Map<string, string>();
    let sliceEnd = performance.now() + MAIN_SLICE_MS;
    for (let i = 0; i < texts.length; i += 2) {
      consequents.set(texts[i], texts[i + 1]);
      if (i % SLICE_ALIASES !== 0 || performance.now() < sliceEnd) continue;
      await new Promise((resolve) => setTimeout(resolve, 0));
      sliceEnd = performance.now() + MAIN_SLICE_MS;
    }
    return new AliasTable(consequents);
  }

  /** Aliases of this table. */
  get size(): number {
    return this.#consequents.size;
  }

  /**
   * The name that is meant by a name, through any number of aliases; the name itself where it has none
   * or they lead in a circle. Cost: O(aliases on the way) the first time.
   */
  resolve(name: string): string {
    if (!this.#consequents.has(name)) return name;
    const known = this.#ends.get(name);
    return (known === undefined ? this.#follow(name, this.#ends) : known) ?? name;
  }

  /**
   * Every name that {@link resolve} takes to this one, in the order of {@link entries}. Cost: O(aliases)
   * the first time.
   */
  aliasesOf(name: string): readonly string[] {
    this.#antecedents ??= this.#gatherAntecedents();
    return this.#antecedents.get(name) ?? NO_NAMES;
  }

  /** Every alias as it is stored: antecedent and consequent, chains not followed. */
  entries(): IterableIterator<[antecedent: string, consequent: string]> {
    return this.#consequents.entries();
  }

  /** As {@link resolve} of each, but every alias is followed once, however long the chains are. */
  #gatherAntecedents(): Map<string, string[]> {
    const antecedents = new Map<string, string[]>();
    for (const [antecedent, consequent] of this.#consequents) {
      const end = this.#consequents.has(consequent)
        ? this.#follow(antecedent, this.#ends)
        : consequent;
      if (end === null) continue;
      const own = antecedents.get(end);
      if (own === undefined) antecedents.set(end, [antecedent]);
      else own.push(antecedent);
    }
    return antecedents;
  }

  /** Where a name leads, null = into a circle; adds the ends of all names on the way to `ends`. */
  #follow(antecedent: string, ends: Map<string, string | null>): string | null {
    const path = new Set<string>();
    let name = antecedent;
    let next = this.#consequents.get(name);
    while (next !== undefined && !ends.has(name) && !path.has(name)) {
      path.add(name);
      name = next;
      next = this.#consequents.get(name);
    }
    const known = ends.get(name);
    const end = known !== undefined ? known : path.has(name) ? null : name;
    for (const passed of path) ends.set(passed, end);
    return end;
  }
}
