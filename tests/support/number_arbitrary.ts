import { LIBRARY_NOW } from "./naive_library_arbitrary.ts";
import type { NaiveImage, NumberField } from "./naive_search.ts";
import type { Random } from "./random.ts";

/*
 * Values of metatags that take numbers, in every spelling that docs/query_language.md names. They are
 * numbers of images of the library or close to them, so that most searches find something and borders
 * are hit. Not drawn, since the document does not say what they mean: `10...5`, ranges of dates of
 * which one lies within the other, fractions in whole numbers.
 */

/** Draws a value for a metatag that takes numbers. */
export function drawNumbers(
  random: Random,
  field: NumberField,
  images: readonly NaiveImage[],
): string {
  if (random.int(12) === 0) return random.pick(["any", "none", "ANY", "None"]);
  const count = random.int(4) === 0 ? 2 + random.int(3) : 1;
  return Array.from({ length: count }, () => drawPart(random, field, images)).join(",");
}

type Draw = { number: number; text: string };

function drawPart(random: Random, field: NumberField, images: readonly NaiveImage[]): string {
  const draw = () => drawOne(random, field, images);
  switch (random.int(9)) {
    case 0:
      return `>${draw().text}`;
    case 1:
      return `>=${draw().text}`;
    case 2:
      return `<${draw().text}`;
    case 3:
      return `<=${draw().text}`;
    case 4:
      return `${draw().text}..`;
    case 5:
      return `..${draw().text}`;
    case 6:
      return drawRange(random, field, [draw(), draw()]);
    case 7:
      return drawShortRange(field, [draw(), draw()]);
    default:
      return draw().text;
  }
}

function drawRange(random: Random, { kind }: NumberField, pair: [Draw, Draw]): string {
  const [a, b] = pair;
  if (kind === "date" && !areApart(a.text, b.text)) return a.text;
  return random.int(2) === 0 ? `${a.text}..${b.text}` : `${b.text}..${a.text}`;
}

function drawShortRange({ kind }: NumberField, pair: [Draw, Draw]): string {
  const [a, b] = pair.toSorted((left, right) => left.number - right.number);
  if (kind === "date" && !areApart(a.text, b.text)) return a.text;
  return `${a.text}...${b.text}`;
}

/** Whether two dates are of one length and not the same. */
function areApart(left: string, right: string): boolean {
  const lengthOf = (text: string) => text.split(/[-/T]/).length;
  return lengthOf(left) === lengthOf(right) && left !== right && !/day/.test(left + right);
}

function drawOne(random: Random, { kind, read }: NumberField, images: readonly NaiveImage[]): Draw {
  const image = images.length === 0 ? null : random.pick(images);
  const known = image === null ? null : read(image);
  const near = random.int(4) === 0 ? random.int(5) - 2 : 0;
  switch (kind) {
    case "integer": {
      const number = (known ?? random.int(50)) + near;
      return { number, text: String(number) };
    }
    case "mpixels": {
      const pixels = known ?? random.int(8_000_000);
      const digits = random.pick([0, 1, 2, 6]);
      const text = (pixels / 1e6).toFixed(digits);
      return { number: Number(text), text };
    }
    case "ratio":
      return drawRatio(random, image);
    case "filesize":
      return drawSize(random, known ?? 1 + random.int(5_000_000));
    case "duration": {
      const number = Math.max(1, Math.round((known ?? random.int(200_000)) / 1000) + near);
      return { number, text: random.pick(spellDuration(number)) };
    }
    case "date":
      return drawDate(random, (known ?? LIBRARY_NOW - random.int(10_000_000)) + near * 3600);
    case "age":
      return drawAge(random, LIBRARY_NOW - (known ?? LIBRARY_NOW - random.int(10_000_000)));
  }
}

function drawRatio(random: Random, image: NaiveImage | null): Draw {
  const width = image?.width ?? 16;
  const height = image?.height ?? 9;
  const number = Math.floor((200 * width + height) / (2 * height)) / 100;
  const text = random.pick([`${width}:${height}`, `${width}/${height}`, number.toFixed(2)]);
  return { number, text };
}

function drawSize(random: Random, bytes: number): Draw {
  const [unit, size] = random.pick(
    [["", 1], ["b", 1], ["k", 1024], ["m", 1024 ** 2], [
      "g",
      1024 ** 3,
    ]] as const,
  );
  // Halves and quarters are whole bytes in every unit.
  const count = size === 1 ? bytes : Math.max(0.25, Math.round(4 * bytes / size) / 4);
  const end = size > 1 && random.int(2) === 0 ? `${unit}b` : unit;
  const text = `${count}${random.int(2) === 0 ? end.toUpperCase() : end}`;
  return { number: count * size, text };
}

function spellDuration(seconds: number): string[] {
  const minutes = Math.floor(seconds / 60);
  const rest = seconds % 60;
  return [
    String(seconds),
    `${seconds}s`,
    `${minutes}:${String(rest).padStart(2, "0")}`,
    ...(minutes > 0 && rest > 0 ? [`${minutes}m${rest}s`] : []),
    ...(rest === 0 ? [`${minutes}m`, `${minutes}min`] : []),
  ];
}

function drawDate(random: Random, second: number): Draw {
  const exact = new Date(1000 * second).toISOString().slice(0, 19);
  const [year, month, day] = exact.slice(0, 10).split("-");
  const text = random.pick([
    `${year}-${month}-${day}`,
    `${year}-${month}-${day}`,
    `${year}/${Number(month)}/${Number(day)}`,
    `${Number(day)}-${Number(month)}-${year}`,
    `${year}-${month}`,
    year,
    "today",
    "yesterday",
    exact,
  ]);
  return { number: second, text };
}

const UNITS: [seconds: number, words: string[]][] = [
  [1, ["", "s", "sec", "seconds", "second"]],
  [60, ["m", "mi", "min", "minutes"]],
  [3600, ["h", "ho", "hours", "H"]],
  [86_400, ["d", "day", "days"]],
  [7 * 86_400, ["w", "weeks", "week"]],
  [86_400 * 365.25 / 12, ["mo", "months", "MO"]],
  [86_400 * 365.25, ["y", "years", "yea"]],
];

function drawAge(random: Random, age: number): Draw {
  const [size, words] = random.pick(UNITS);
  const count = Math.max(1, Math.round(age / size));
  const word = random.pick(words);
  if (size === 3600 && random.int(3) === 0) {
    return { number: count * size + 1800, text: `${count}${word}30m` };
  }
  const space = word !== "" && random.int(4) === 0 ? " " : "";
  return { number: count * size, text: `${count}${space}${word}` };
}
