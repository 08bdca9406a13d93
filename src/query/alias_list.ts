import type { AliasTable } from "../cache/alias_table.ts";
import { sortSteps } from "./sort_steps.ts";
import type { Steps } from "./steps.ts";

/** An alias with its place, from 1, among all of them by name. */
export type ListedAlias = { id: number; antecedent: string; consequent: string };

/** Aliases by antecedent; kept as long as the table is. */
const SORTED = new WeakMap<AliasTable, readonly ListedAlias[]>();
/** Aliases looked at between two pauses. */
const CHUNK_ALIASES = 1 << 10;

/** The aliases that pass a test, by antecedent. Cost: O(aliases), sorted the first time. */
export function* findAliases(
  table: AliasTable,
  isWanted: (alias: ListedAlias) => boolean,
): Steps<ListedAlias[]> {
  let aliases = SORTED.get(table);
  if (aliases === undefined) {
    const entries = yield* sortSteps([...table.entries()], ([a], [b]) => a < b ? -1 : 1);
    aliases = entries.map(([antecedent, consequent], i) => ({ id: i + 1, antecedent, consequent }));
    SORTED.set(table, aliases);
  }
  const found: ListedAlias[] = [];
  for (const [i, alias] of aliases.entries()) {
    if (i % CHUNK_ALIASES === CHUNK_ALIASES - 1) yield;
    if (isWanted(alias)) found.push(alias);
  }
  return found;
}
