import type { Random } from "../../tests/support/random.ts";

const SYLLABLES = "a ba chi da e fu ga ha i jo ka ki ko lo ma mi mo na ne ni no o ra re ri ro sa " +
  "shi so su ta te to tsu u wa ya yu za ing er ght str bl ck nd ll";
/** Words that many names share: so many are drawn once, and most names take from the first of them. */
const WORDS_COUNT = 60_000;

/** Distinct tag names as boorus have them: 1 to 5 words, some with brackets, some not in ASCII. */
export function makeTagNames(count: number, random: Random): string[] {
  const syllables = SYLLABLES.split(" ");
  const words = Array.from({ length: WORDS_COUNT }, () => makeWord(syllables, random));
  const names = new Set<string>();
  while (names.size < count) names.add(makeName(words, random));
  return [...names];
}

function makeWord(syllables: readonly string[], random: Random): string {
  let word = "";
  for (let i = random.int(3) + 1 + random.int(2); i >= 0; i--) word += random.pick(syllables);
  return word;
}

function makeName(words: readonly string[], random: Random): string {
  // Squaring the place twice: the first words are in many names, the last in few.
  const draw = () => words[Math.floor((random.int(1_000_000) / 1_000_000) ** 4 * words.length)];
  const kind = random.int(20);
  if (kind === 0) {
    return Array.from(
      { length: 2 + random.int(5) },
      () => String.fromCodePoint(0x3042 + random.int(80)),
    ).join("");
  }
  let name = draw();
  for (let i = random.int(4); i > 0; i--) name += `_${draw()}`;
  return kind < 4 ? `${name}_(${draw()})` : name;
}
