import type { TagCategory } from "./category.ts";

/** Ways in which tag lists number categories. */
export const TAG_NUMBERINGS = ["danbooru", "e621", "merged"] as const;

/** How a tag list numbers categories: as Danbooru, as e621, or both with 7 added to those of e621. */
export type TagNumbering = typeof TAG_NUMBERINGS[number];

type Numbers = ReadonlyMap<number, TagCategory>;

const DANBOORU: Numbers = new Map([
  [0, "general"],
  [1, "artist"],
  [3, "copyright"],
  [4, "character"],
  [5, "meta"],
]);

const E621: Numbers = new Map([
  [0, "general"],
  [1, "artist"],
  [2, "artist"], // contributor
  [3, "copyright"],
  [4, "character"],
  [5, "species"],
  [6, "general"], // invalid
  [7, "meta"],
  [8, "meta"], // lore
]);

/** What the merged lists add to e621's numbers. */
const E621_OFFSET = 7;

const CATEGORIES: Readonly<Record<TagNumbering, Numbers>> = {
  danbooru: DANBOORU,
  e621: E621,
  merged: new Map([
    ...DANBOORU,
    ...Array.from(E621, ([number, category]) => [number + E621_OFFSET, category] as const),
  ]),
};

/** Category that a list means by a number; `undefined` when its numbering does not use the number. */
export function categoryOfListNumber(
  numbering: TagNumbering,
  number: number,
): TagCategory | undefined {
  return CATEGORIES[numbering].get(number);
}

/**
 * Names that stand near the top of every list of their sites, with the number that each site gives them:
 * what is decided by them is decided by what the list says, and not by which numbers it happens to need.
 */
const LANDMARKS: readonly (readonly [names: string, danbooru: number | null, e621: number])[] = [
  ["hi_res absurd_res", null, 7],
  ["mammal canid felid canis equid canine feline", null, 5],
  ["anthro feral", null, 0],
  ["animated translated comic", 5, 7],
];
const DANBOORU_LANDMARKS =
  "highres absurdres lowres commentary_request commentary translation_request bad_id md5_mismatch";

/** Name → the number that each numbering gives it. */
const NUMBERS_OF_LANDMARK: ReadonlyMap<string, ReadonlyMap<TagNumbering, number>> =
  gatherLandmarks();

function gatherLandmarks(): Map<string, Map<TagNumbering, number>> {
  const found = new Map<string, Map<TagNumbering, number>>();
  const add = (name: string, number: number, numbering: TagNumbering) => {
    const numbers = found.get(name) ?? new Map<TagNumbering, number>();
    found.set(name, numbers.set(numbering, number));
  };
  for (const [names, danbooru, e621] of LANDMARKS) {
    for (const name of names.split(" ")) {
      if (danbooru !== null) add(name, danbooru, "danbooru");
      add(name, e621, "e621");
      // A name that both sites know has Danbooru's number in a merged list.
      add(name, danbooru ?? e621 + E621_OFFSET, "merged");
    }
  }
  for (const name of DANBOORU_LANDMARKS.split(" ")) {
    add(name, 5, "danbooru");
    add(name, 5, "merged");
  }
  return found;
}

/** What was found out about the numbering of a list. */
export type RecognisedNumbering =
  | { numbering: TagNumbering; isGuess: boolean }
  /** Why nothing was found. */
  | { numbering: null; reason: string };

/** Part of the votes of landmarks that a numbering needs: a stray row must not decide for a list. */
const LANDMARK_SHARE_MIN = 0.9;
/** Greatest number that any numbering has; greater ones are faults of their rows. */
const NUMBER_MAX = 15;

/** Finds the numbering of a list by its rows: known names first, then which numbers occur. */
export class NumberingEvidence {
  readonly #votes = new Map<TagNumbering, number>();
  readonly #numbers = new Set<number>();
  #voteCount = 0;

  /** Takes a row into account. */
  add(name: string, number: number): void {
    if (number > NUMBER_MAX) return;
    this.#numbers.add(number);
    const numbers = NUMBERS_OF_LANDMARK.get(name);
    if (numbers === undefined) return;
    const meant = TAG_NUMBERINGS.filter((numbering) => numbers.get(numbering) === number);
    if (meant.length === 0) return;
    this.#voteCount++;
    for (const numbering of meant) {
      this.#votes.set(numbering, (this.#votes.get(numbering) ?? 0) + 1);
    }
  }

  /**
   * Decides. Where rows leave a choice, the name of the file makes it, else Danbooru comes before e621 and
   * that before merged; a choice that changes what rows mean is a guess.
   */
  decide(fileName: string): RecognisedNumbering {
    let possible = TAG_NUMBERINGS.filter((numbering) =>
      (this.#votes.get(numbering) ?? 0) >= LANDMARK_SHARE_MIN * this.#voteCount
    );
    if (possible.length === 0) {
      return { numbering: null, reason: "its names have the numbers of different sites" };
    }
    // Once names have spoken, a number that none of theirs uses is a fault of its row.
    const numbers = [...this.#numbers].filter((number) =>
      this.#voteCount === 0 ||
      possible.some((numbering) => categoryOfListNumber(numbering, number) !== undefined)
    );
    possible = possible.filter((numbering) =>
      numbers.every((number) => categoryOfListNumber(numbering, number) !== undefined)
    );
    if (possible.length === 0) {
      const listed = numbers.sort((a, b) => a - b).join(", ");
      return { numbering: null, reason: `no site uses the numbers ${listed} together` };
    }
    const [first, ...others] = possible;
    const isSame = others.every((other) =>
      numbers.every((number) =>
        categoryOfListNumber(first, number) === categoryOfListNumber(other, number)
      )
    );
    if (isSame) return { numbering: first, isGuess: false };
    const named = namedIn(fileName);
    if (named !== null && possible.includes(named)) return { numbering: named, isGuess: false };
    return { numbering: first, isGuess: true };
  }
}

function namedIn(fileName: string): TagNumbering | null {
  const name = fileName.toLowerCase();
  if (name.includes("merge")) return "merged";
  const isDanbooru = name.includes("danbooru");
  const isE621 = /e621|e926/.test(name);
  if (isDanbooru === isE621) return isDanbooru ? "merged" : null;
  return isDanbooru ? "danbooru" : "e621";
}
