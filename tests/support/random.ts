import { seededRandom } from "../../bench/support/random.ts";

/** Draws from one seeded sequence; name the seed in the messages of what is drawn. */
export type Random = {
  /** A whole number from 0 to `end`, exclusive. */
  int: (end: number) => number;
  pick: <T>(values: readonly T[]) => T;
  /** Members of `values`, each with this chance, in their order. */
  some: <T>(values: readonly T[], chance: number) => T[];
};

/** Makes a {@link Random} of a seed. */
export function makeRandom(seed: number): Random {
  const next = seededRandom(seed);
  const int = (end: number) => Math.floor(next() * end);
  return {
    int,
    pick: (values) => values[int(values.length)],
    some: (values, chance) => values.filter(() => next() < chance),
  };
}
