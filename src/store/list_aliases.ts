import { type Database, execute, prepared } from "./database.ts";
import type {
  CatalogueChanges,
  CatalogueImport,
  CatalogueRow,
  KnownName,
  ListWarning,
} from "./tag_catalogue.ts";
import { followAliases } from "./tag_rules.ts";

/*
 * Aliases of lists, and what comes before them:
 *
 * 1. A person's word. An alias that a person made, changed or removed stays so: one that `list_aliases`
 *    does not know as it stands, and one that it knows and that is gone.
 * 2. Tags that are there. A name that images of the library have is searched for by that name: as an alias
 *    it would hide them. It is left out, and goes if it was stored before the images came.
 * 3. Names that sites use. What one site calls an alias is a tag at another (`1girl` is `female` at e621):
 *    a name of this list, or of a list of another kind, is no alias.
 * 4. Whoever came first. Within a list the first row that claims an alias has it, among lists of different
 *    kinds the one that was imported first.
 *
 * Chains are stored as what they lead to in the end, circles not at all.
 */

type Parts = { run: CatalogueImport; changes: CatalogueChanges; warnings: ListWarning[] };

/** An alias as a row of a list has it. */
type Claim = { line: number; antecedent: string; name: string };

/** What the database has of an antecedent. */
type Known = {
  alias: { consequent: string; status: string } | null;
  /** As a list had it. */
  listed: { consequent: string; numbering: string } | null;
  /** Whether images have a tag of this name, and whether a list of another kind has it as a tag. */
  isUsed: boolean;
  isForeign: boolean;
};

const UNKNOWN: Known = { alias: null, listed: null, isUsed: false, isForeign: false };

/** Writes the aliases of rows of a list. */
export class ListAliases {
  readonly #db: Database;
  readonly #parts: Parts;
  /** What the database has under the names of the rows. */
  #names: ReadonlyMap<string, KnownName> = new Map();

  /** Makes the writer of one batch. */
  constructor(db: Database, parts: Parts) {
    this.#db = db;
    this.#parts = parts;
  }

  /** Writes them; `names` is what the database has under the names of the rows. Cost: 10 µs an alias. */
  write(rows: readonly CatalogueRow[], names: ReadonlyMap<string, KnownName>): void {
    this.#names = names;
    // Names of this list that an earlier list had as aliases are tags now.
    for (const [name, { isListAlias }] of names) if (isListAlias) this.#remove(name);
    const claims = rows.flatMap(({ line, name, aliases }) =>
      aliases.map((antecedent): Claim => ({ line, name, antecedent }))
    );
    if (claims.length === 0) return;
    const known = this.#readKnown(claims);
    const wanted: [string, string][] = [];
    for (const claim of claims) {
      const end = this.#decide(claim, known.get(claim.antecedent) ?? UNKNOWN);
      if (end !== null) wanted.push([claim.antecedent, end]);
    }
    this.#store(wanted);
  }

  /** Where an alias is to lead; null when nothing is to be written. */
  #decide(claim: Claim, { alias, listed, isUsed, isForeign }: Known): string | null {
    const { changes, run } = this.#parts;
    const { antecedent } = claim;
    const isOfList = alias !== null && alias.status === "active" &&
      listed?.consequent === alias.consequent;
    const ownLine = run.names.get(antecedent);
    if (isUsed) {
      if (isOfList) this.#remove(antecedent);
      return this.#leaveOut(claim, `images of the library have the tag ${antecedent}`);
    }
    if (ownLine !== undefined) {
      return this.#leaveOut(claim, `${antecedent} is a tag of its own on line ${ownLine}`);
    }
    if (isForeign) {
      return this.#leaveOut(claim, `${antecedent} is a tag of its own in another list`);
    }
    const earlier = run.stored.get(antecedent);
    if (earlier !== undefined) {
      if (earlier === claim.name) return null;
      return this.#leaveOut(claim, `an earlier line has it as an alias of ${earlier}`);
    }
    if (alias === null ? listed !== null : !isOfList) {
      // What a person did to it.
      changes.aliasesLeftOut++;
      return null;
    }
    if (isOfList && listed!.numbering !== run.numbering) {
      if (this.#endOf(claim.name) !== alias!.consequent) {
        return this.#leaveOut(claim, `another list has it as an alias of ${alias!.consequent}`);
      }
      changes.aliasesUnchanged++;
      return null;
    }
    return this.#settle(claim, alias?.consequent);
  }

  /** Follows the name of the row to its end. */
  #settle(claim: Claim, before: string | undefined): string | null {
    const { changes, run, warnings } = this.#parts;
    const { line, antecedent, name } = claim;
    const end = this.#endOf(name, antecedent);
    if (end === null) return this.#leaveOut(claim, "they would lead in a circle");
    if (end !== name) {
      const message = `${name} is itself an alias: ${antecedent} is stored as one of ${end}`;
      warnings.push({ line, message });
    }
    run.stored.set(antecedent, end);
    if (before === end) {
      changes.aliasesUnchanged++;
      return null;
    }
    if (before === undefined) changes.aliasesAdded++;
    else changes.aliasesUpdated++;
    return end;
  }

  /**
   * What the name of a row means in the end; null if `exceptName` is on the way. What this import stored
   * need not be looked at: no name of the list is an alias of it.
   */
  #endOf(name: string, exceptName?: string): string | null {
    if (this.#names.get(name)?.isAlias !== true) return name;
    const path = followAliases(this.#db, name);
    return path.includes(exceptName ?? "") ? null : path.at(-1)!;
  }

  #leaveOut({ line, antecedent, name }: Claim, reason: string): null {
    this.#parts.changes.aliasesLeftOut++;
    this.#parts.warnings.push({
      line,
      message: `the alias ${antecedent} of ${name} is left out: ${reason}`,
    });
    return null;
  }

  #store(aliases: [string, string][]): void {
    if (this.#parts.run.isDryRun || aliases.length === 0) return;
    // Neighbours in the tables one after the other.
    aliases.sort(([left], [right]) => (left < right ? -1 : 1));
    const list = JSON.stringify(aliases);
    execute(
      this.#db,
      `INSERT INTO tag_aliases (antecedent, consequent, status, created_at_ms)
       SELECT value ->> 0, value ->> 1, 'active', ?2 FROM json_each(?1) WHERE true
       ON CONFLICT (antecedent) DO UPDATE SET consequent = excluded.consequent`,
      list,
      Date.now(),
    );
    execute(
      this.#db,
      `INSERT INTO list_aliases (antecedent, consequent, numbering)
       SELECT value ->> 0, value ->> 1, ?2 FROM json_each(?1) WHERE true
       ON CONFLICT (antecedent) DO UPDATE
         SET consequent = excluded.consequent, numbering = excluded.numbering`,
      list,
      this.#parts.run.numbering,
    );
  }

  #remove(antecedent: string): void {
    this.#parts.changes.aliasesRemoved++;
    if (this.#parts.run.isDryRun) return;
    execute(this.#db, "DELETE FROM tag_aliases WHERE antecedent = ?", antecedent);
    execute(this.#db, "DELETE FROM list_aliases WHERE antecedent = ?", antecedent);
  }

  /** Antecedents of which the database has nothing are left out. */
  #readKnown(claims: readonly Claim[]): Map<string, Known> {
    const rows = prepared(
      this.#db,
      `SELECT value, tag_aliases.consequent, status, list_aliases.consequent,
         list_aliases.numbering,
         EXISTS (SELECT 1 FROM tags JOIN image_tags ON tag_id = tags.id WHERE name = value)
           AS is_used,
         EXISTS (SELECT 1 FROM tag_catalogue WHERE name = value AND numbering <> ?2) AS is_foreign
       FROM json_each(?1)
       LEFT JOIN tag_aliases ON tag_aliases.antecedent = value
       LEFT JOIN list_aliases ON list_aliases.antecedent = value
       WHERE status NOT NULL OR list_aliases.numbering NOT NULL OR is_used OR is_foreign`,
    ).values<[string, string | null, string, string | null, string, number, number]>(
      JSON.stringify([...new Set(claims.map(({ antecedent }) => antecedent))]),
      this.#parts.run.numbering,
    );
    return new Map(
      rows.map(([antecedent, consequent, status, ofList, numbering, isUsed, isForeign]) => [
        antecedent,
        {
          alias: consequent === null ? null : { consequent, status },
          listed: ofList === null ? null : { consequent: ofList, numbering },
          isUsed: isUsed === 1,
          isForeign: isForeign === 1,
        },
      ]),
    );
  }
}
