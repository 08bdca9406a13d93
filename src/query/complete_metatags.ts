import { type Metatag, nearWords, type ValueSurroundings } from "./metatag.ts";
import { findMetatag, METATAGS } from "./metatags.ts";

/** A metatag, with or without a value, that a typed text may become. */
export type MetatagCompletion = {
  /** What to type: `order:` or `order:score`. */
  value: string;
  summary: string;
  example: string;
};

/** A value is only asked whether it is one. */
const NOWHERE: ValueSurroundings = { now: 0, isQuoted: false, random: () => 0.5 };

/**
 * Completes the name of a metatag (`ord` → `order:`), or one of the words that it takes (`order:sc` →
 * `order:score`; the last one of a list where it takes lists), in the order of the table. A metatag that
 * takes no fixed words answers a lone name with itself, to show its example.
 *
 * Cost: O(metatags and their words); all of it is in memory and small.
 */
export function completeMetatags(text: string, limit: number): MetatagCompletion[] {
  const typed = text.trim().toLowerCase();
  const colon = typed.indexOf(":");
  if (typed === "" || colon === 0) return [];
  const found = colon < 0
    ? completeName(typed)
    : completeValue(typed.slice(0, colon), typed.slice(colon + 1));
  return found.slice(0, limit);
}

function completeName(typed: string): MetatagCompletion[] {
  const found: MetatagCompletion[] = [];
  for (const metatag of METATAGS) {
    const name = [metatag.name, ...metatag.aliases].find((name) => name.startsWith(typed));
    if (name !== undefined) found.push(toCompletion(metatag, `${name}:`));
  }
  return found;
}

function completeValue(name: string, typed: string): MetatagCompletion[] {
  const metatag = findMetatag(name);
  if (metatag === undefined || isNameOfTag(metatag)) return [];
  if (typed === "" && metatag.values.length === 0) return [toCompletion(metatag, `${name}:`)];
  const comma = typed.lastIndexOf(",") + 1;
  const before = typed.slice(0, comma);
  const listed = new Set(before.split(","));
  return metatag.values
    .filter((word) => word.name.startsWith(typed.slice(comma)) && !listed.has(word.name))
    .filter((word) => !("fault" in metatag.parse(before + word.name, NOWHERE)))
    .map((word) => {
      const value = `${name}:${before}${word.name}`;
      return { value, summary: word.summary, example: value };
    });
}

/**
 * Texts with the name of a metatag in the place of one that is nearly so (`scor:>5` → `score:>5`), the
 * likeliest first; nothing when the text does not begin like one.
 */
export function correctMetatag(text: string): MetatagCompletion[] {
  const [, name, sign, rest] = /^([a-z_]{2,20})([:<>=≤≥])(.*)$/su.exec(text.toLowerCase()) ?? [];
  if (name === undefined || (sign === ":" && findMetatag(name) !== undefined)) return [];
  // Instead of `score>5` and `score=5`, too.
  const value = sign === ":" ? rest : `${sign}${rest}`.replace(/^=(?![<>])/, "");
  const names = METATAGS.flatMap((metatag) => [metatag.name, ...metatag.aliases]);
  const found = new Map<Metatag, MetatagCompletion>();
  // Slips make any short word of another one.
  const slipsMax = name.length < 4 ? 0 : name.length < 6 ? 1 : 2;
  for (const near of nearWords(name, names, slipsMax)) {
    const metatag = findMetatag(near)!;
    if (found.has(metatag) || isNameOfTag(metatag)) continue;
    found.set(metatag, toCompletion(metatag, `${near}:${value}`));
  }
  return [...found.values()];
}

function toCompletion(metatag: Metatag, value: string): MetatagCompletion {
  return { value, summary: metatag.summary, example: metatag.example };
}

/** Whether what follows is the name of a tag (`artist:`), which is completed as one. */
function isNameOfTag(metatag: Metatag): boolean {
  return nameOptionsOf(metatag.name) !== undefined;
}

/** What a prefix of tag names asks for, as the language has it; undefined when it is none. */
export function nameOptionsOf(
  prefix: string,
): { category: string | null; isLiteral: boolean } | undefined {
  const meaning = findMetatag(prefix)?.parse("name", NOWHERE);
  const node = meaning !== undefined && "node" in meaning ? meaning.node : undefined;
  return node?.kind === "tag" ? node : undefined;
}
