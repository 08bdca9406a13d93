import type { ImageColumns } from "../cache/image_columns.ts";
import { COMPARED_LENGTH_MAX, isWithinDistance } from "./edit_distance.ts";
import {
  addTagsOfWords,
  makePlaceSet,
  type PlaceSet,
  rangeOfWords,
  type TagIndex,
} from "./tag_index.ts";

/** Typed words beyond which only the whole name is compared: each costs a pass over all words. */
const TYPED_WORDS_MAX = 5;
/** Names or words that one pass compares; the masks let far fewer through unless all are alike. */
const COMPARISONS_MAX = 20_000;
/** Bytes of the longest text that is compared. */
const COMPARED_BYTES_MAX = 4 * (COMPARED_LENGTH_MAX + 2);

/** Everything in ASCII that is neither a letter nor a digit separates words: see isWordByte. */
// deno-lint-ignore no-control-regex
const SEPARATORS = /[\x00-\x2f:-@[-`{-\x7f]+/;

const encoder = new TextEncoder();

/** The words of a text, as the columns split the names of tags. */
export function splitWords(text: string): string[] {
  return text.split(SEPARATORS).filter((word) => word !== "");
}

/** How many slips a text of this length may hold: short ones would mean everything. */
export function slipsAllowed(text: string): 0 | 1 | 2 {
  const length = [...text].length;
  return length < 3 || length > COMPARED_LENGTH_MAX ? 0 : length < 6 ? 1 : 2;
}

/** Which letters the words and the names have, one bit each; derived once a load, 10 ms for 200,000. */
type Masks = { words: Int32Array; names: Int32Array };
const MASKS = new WeakMap<ImageColumns, Masks>();

/** Bits 27 to 31 are for signs outside ASCII. */
const WIDE_BIT = 27;

/** Bit of each sign of ASCII: one for each letter, one for all digits, none for what separates words. */
const BIT_OF_SIGN = Int32Array.from({ length: 128 }, (_, sign) => {
  if (sign >= 0x30 && sign <= 0x39) return 1 << 26;
  const letter = (sign | 0x20) - 0x61;
  return letter >= 0 && letter < 26 ? 1 << letter : 0;
});

/** Which signs a text has. One slip changes at most one bit in each direction. */
function maskOf(bytes: Uint8Array, start: number, end: number): number {
  let mask = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i];
    if (byte < 0x80) mask |= BIT_OF_SIGN[byte];
    // The last byte of a sign stands for it.
    else if (i + 1 === end || (bytes[i + 1] & 0xc0) !== 0x80) mask |= 1 << (WIDE_BIT + byte % 5);
  }
  return mask;
}

function masksOf(columns: ImageColumns): Masks {
  let masks = MASKS.get(columns);
  if (masks === undefined) {
    const { wordOffset, wordBytes, wordListOffset, wordTag, tagId } = columns;
    const words = new Int32Array(wordOffset.length - 1);
    const names = new Int32Array(tagId.length);
    for (let word = 0; word < words.length; word++) {
      const mask = maskOf(wordBytes, wordOffset[word], wordOffset[word + 1]);
      words[word] = mask;
      // The letters of a name are those of its words.
      for (let i = wordListOffset[word]; i < wordListOffset[word + 1]; i++) {
        names[wordTag[i]] |= mask;
      }
    }
    MASKS.set(columns, masks = { words, names });
  }
  return masks;
}

/** A text that others are compared with. */
type Wanted = { size: number; mask: number; signs: Int32Array; length: number };

function toWanted(text: string): Wanted {
  const bytes = encoder.encode(text);
  const signs = Int32Array.from(text, (sign) => sign.codePointAt(0)!);
  const mask = maskOf(bytes, 0, bytes.length);
  return { size: bytes.length, mask, signs, length: signs.length };
}

/** Packed texts with their masks. */
type Texts = { offset: Int32Array; bytes: Uint8Array; masks: Int32Array };

const scratch = { signs: new Int32Array(COMPARED_BYTES_MAX + 8), length: 0 };
const candidates = new Int32Array(COMPARISONS_MAX);

/** Gives every text within a distance, ascending. */
function findNear(texts: Texts, wanted: Wanted & { distance: 1 | 2 }): number[] {
  const count = findCandidates(texts, wanted);
  const found: number[] = [];
  for (let i = 0; i < count; i++) {
    const place = candidates[i];
    scratch.length = decodeInto(scratch.signs, texts, place);
    if (isWithinDistance(wanted, scratch, wanted.distance)) found.push(place);
  }
  return found;
}

/** Writes the texts that may be near to `candidates`, by their letters and lengths; gives how many. */
function findCandidates(
  { offset, masks }: Texts,
  { size, mask, distance }: Wanted & { distance: 1 | 2 },
): number {
  let count = 0;
  for (let place = 0; place < masks.length; place++) {
    const other = masks[place];
    // Without its lowest bit, or two of them, nothing may be left that only one side has.
    let missing = mask & ~other;
    missing &= missing - 1;
    let extra = other & ~mask;
    extra &= extra - 1;
    if (distance === 2) {
      missing &= missing - 1;
      extra &= extra - 1;
    }
    if ((missing | extra) !== 0) continue;
    // A sign of ASCII is one byte; another one may be four.
    const slack = (mask | other) >>> WIDE_BIT === 0 ? distance : 4 * distance;
    const difference = offset[place + 1] - offset[place] - size;
    if (difference > slack || difference < -slack) continue;
    candidates[count++] = place;
    if (count === COMPARISONS_MAX) break;
  }
  return count;
}

/** Decodes UTF-8 to code points and gives their number; bytes that are no UTF-8 stand for themselves. */
function decodeInto(out: Int32Array, { offset, bytes }: Texts, place: number): number {
  const end = offset[place + 1];
  let length = 0;
  for (let i = offset[place]; i < end; i++) {
    const byte = bytes[i];
    const more = byte < 0xc0 ? 0 : byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    let sign = more === 0 ? byte : byte & (0x3f >>> more);
    for (let j = 0; j < more && i + 1 < end; j++) sign = sign << 6 | bytes[++i] & 0x3f;
    out[length++] = sign;
  }
  return length;
}

/**
 * Tags that a text may have meant with one slip (or two): its whole name is as near, or every typed word
 * begins one of its words or is as near to one. Shorter words get fewer slips ({@link slipsAllowed}).
 *
 * Cost: one pass over the masks of all names and, for each typed word, of all words: about 1 ms for
 * 200,000 tags.
 */
export function findNearTags(index: TagIndex, text: string, distance: 1 | 2): PlaceSet {
  const out = makePlaceSet(index);
  if (slipsAllowed(text) >= distance) {
    const { tagNameOffset, tagNameBytes } = index.columns;
    const masks = masksOf(index.columns).names;
    const names = { offset: tagNameOffset, bytes: tagNameBytes, masks };
    for (const place of findNear(names, { ...toWanted(text), distance })) {
      out[place >>> 5] |= 1 << (place & 31);
    }
  }
  const words = splitWords(text);
  if (words.length === 0 || words.length > TYPED_WORDS_MAX) return out;
  let within: PlaceSet | undefined;
  for (const word of words) {
    within = findWordMatches(index, { word, distance, within });
    if (within.every((bits) => bits === 0)) return out;
  }
  for (let i = 0; i < out.length; i++) out[i] |= within![i];
  return out;
}

/** Tags, of those `within` if given, of which a word begins with this one or is near to it. */
function findWordMatches(
  index: TagIndex,
  wanted: { word: string; distance: 1 | 2; within: PlaceSet | undefined },
): PlaceSet {
  const { word, within } = wanted;
  const out = makePlaceSet(index);
  addTagsOfWords(out, index, { ...rangeOfWords(index, word), within });
  const slips = slipsAllowed(word);
  if (slips === 0) return out;
  const distance = slips < wanted.distance ? slips : wanted.distance;
  const { wordOffset, wordBytes } = index.columns;
  const words = { offset: wordOffset, bytes: wordBytes, masks: masksOf(index.columns).words };
  for (const place of findNear(words, { ...toWanted(word), distance })) {
    addTagsOfWords(out, index, { start: place, end: place + 1, within });
  }
  return out;
}

/** Whether {@link findNearTags} would find a tag of this name. */
export function isNearName(name: string, text: string, distance: 1 | 2): boolean {
  if (slipsAllowed(text) >= distance && isNear(text, name, distance)) return true;
  const words = splitWords(text);
  if (words.length === 0 || words.length > TYPED_WORDS_MAX) return false;
  const own = splitWords(name);
  return words.every((word) =>
    own.some((other) =>
      other.startsWith(word) || isNear(word, other, Math.min(distance, slipsAllowed(word)))
    )
  );
}

function isNear(text: string, other: string, distance: number): boolean {
  if (Math.abs(text.length - other.length) > 2 * distance) return false;
  const toSigns = (value: string) => Int32Array.from(value, (sign) => sign.codePointAt(0)!);
  const [left, right] = [toSigns(text), toSigns(other)];
  return isWithinDistance({ signs: left, length: left.length }, {
    signs: right,
    length: right.length,
  }, distance);
}
