import { MERGE_ORDER } from "../tags/sources.ts";
import { anyOf, type Interval, negate, type NumberName, type QueryNode } from "./ast.ts";
import { ageUnit, dateUnit, toDates } from "./dates.ts";
import { anyOrNone, type Metatag, metatag, notA } from "./metatag.ts";
import {
  DURATION,
  EVERYTHING,
  FILE_SIZE,
  MEGAPIXELS,
  mergeIntervals,
  parseRanges,
  RATIO,
  type Unit,
  WHOLE,
} from "./ranges.ts";

/** Numbers that every image has: for these `none` finds nothing. */
const ALWAYS_KNOWN: ReadonlySet<NumberName> = new Set<NumberName>([
  "id",
  "score",
  "favcount",
  "tagcount",
  "gentags",
  "arttags",
  "chartags",
  "copytags",
  "metatags",
  "spectags",
]);

/** Condition that a number is in intervals; a search for all known ones may find every image. */
function numberNode(name: NumberName, intervals: Interval[]): QueryNode {
  const least = leastKnown(name);
  const merged = mergeIntervals(intervals.filter(({ high }) => high >= least))
    .map(({ low, high }) => ({ low: low <= least ? -Infinity : low, high }));
  if (merged.length === 0) return { kind: "none" };
  const isAny = merged[0].low === -Infinity && merged[0].high === Infinity;
  if (isAny && ALWAYS_KNOWN.has(name)) return { kind: "all" };
  // A list of ids stays as it was written: order:custom shows it so.
  return { kind: "number", name, intervals: name === "id" && !isAny ? intervals : merged };
}

/** The least number that means something: most of those that may be unknown are 0 then. */
function leastKnown(name: NumberName): number {
  if (ALWAYS_KNOWN.has(name)) return -Infinity;
  return name === "ratio" ? 0 : 1;
}

function unknownNode(name: NumberName): QueryNode {
  return ALWAYS_KNOWN.has(name) ? { kind: "none" } : negate(numberNode(name, [EVERYTHING]));
}

function rangeMetatag(
  names: string,
  rest:
    & { name: NumberName; unit: (now: number) => Unit; what: string }
    & Pick<
      Metatag,
      "summary" | "example"
    >
    & { convert?: (intervals: Interval[], now: number) => Interval[] },
): Metatag {
  const { name, unit, what, convert } = rest;
  return metatag(names, {
    summary: rest.summary,
    example: rest.example,
    values: ALWAYS_KNOWN.has(name) ? [] : anyOrNone("known", "not known"),
    parse: (value, { now }) => {
      const ranges = parseRanges(value, unit(now));
      if ("item" in ranges) return notA(what, { ...ranges, example: rest.example });
      const { intervals, includesUnknown } = ranges;
      const known = numberNode(name, convert ? convert(intervals, now) : intervals);
      return { node: includesUnknown ? anyOf([known, unknownNode(name)]) : known };
    },
  });
}

const COUNTS: [names: string, name: NumberName, summary: string][] = [
  ["tagcount", "tagcount", "number of tags"],
  ["gentags", "gentags", "number of general tags"],
  ["arttags", "arttags", "number of artists"],
  ["chartags", "chartags", "number of characters"],
  ["copytags", "copytags", "number of copyrights"],
  ["metatags", "metatags", "number of meta tags"],
  ["spectags", "spectags", "number of species"],
];

function whole(): Unit {
  return WHOLE;
}

/** Metatags of numbers that images have. */
export const NUMBER_METATAGS: Metatag[] = [
  rangeMetatag("id", {
    name: "id",
    unit: whole,
    what: "whole number",
    summary: "number of the post",
    example: "id:100..200",
  }),
  rangeMetatag("score", {
    name: "score",
    unit: whole,
    what: "whole number",
    summary: "score at the post's site",
    example: "score:>10",
  }),
  rangeMetatag("favcount", {
    name: "favcount",
    unit: whole,
    what: "whole number",
    summary: "favourites at the post's site",
    example: "favcount:>=5",
  }),
  rangeMetatag("width", {
    name: "width",
    unit: whole,
    what: "whole number",
    summary: "width in pixels",
    example: "width:>=1920",
  }),
  rangeMetatag("height", {
    name: "height",
    unit: whole,
    what: "whole number",
    summary: "height in pixels",
    example: "height:1080",
  }),
  rangeMetatag("mpixels", {
    name: "pixels",
    unit: () => MEGAPIXELS,
    what: "number of megapixels",
    summary: "width × height in millions",
    example: "mpixels:>2",
  }),
  rangeMetatag("ratio", {
    name: "ratio",
    unit: () => RATIO,
    what: "ratio such as 16:9 or 1.78",
    summary: "width ÷ height",
    example: "ratio:16:9",
  }),
  rangeMetatag("filesize", {
    name: "filesize",
    unit: () => FILE_SIZE,
    what: "size such as 200kb or 1.5M",
    summary: "size of the file",
    example: "filesize:>5M",
  }),
  rangeMetatag("duration", {
    name: "duration",
    unit: () => DURATION,
    what: "duration such as 90, 1:30 or 1m30s",
    summary: "length of a video",
    example: "duration:<1m",
  }),
  ...COUNTS.map(([names, name, summary]) =>
    rangeMetatag(names, {
      name,
      unit: whole,
      what: "whole number",
      summary,
      example: `${names}:>5`,
    })
  ),
  rangeMetatag("date", {
    name: "date",
    unit: dateUnit,
    what: "date such as 2024-02-29, 2024-02, 2024 or today",
    summary: "when it was added (UTC)",
    example: "date:2024-01-01..2024-06-30",
  }),
  rangeMetatag("age", {
    name: "date",
    unit: ageUnit,
    what: "time such as 3d, 2w or 1h30m",
    summary: "how long ago it was added",
    example: "age:<7d",
    convert: toDates,
  }),
];

/** Sites whose post numbers can be asked for by their name. */
export const SITES: readonly string[] = [...MERGE_ORDER, "safebooru", "rule34"];

function postMetatag(names: string, site: string | null): Metatag {
  const where = site ?? "any site";
  const example = `${names.split(" ")[0]}:12345`;
  return metatag(names, {
    summary: `post number at ${where}`,
    example,
    values: anyOrNone(`has a post number at ${where}`, "has none"),
    parse: (value) => {
      const ranges = parseRanges(value, WHOLE);
      if ("item" in ranges) return notA("whole number", { ...ranges, example });
      const { intervals, includesUnknown } = ranges;
      const known: QueryNode = intervals.length === 0
        ? { kind: "none" }
        : { kind: "post", site, intervals };
      const unknown = negate({ kind: "post", site, intervals: [EVERYTHING] });
      return { node: includesUnknown ? anyOf([known, unknown]) : known };
    },
  });
}

/** Metatags of post numbers at sites. */
export const POST_METATAGS: readonly Metatag[] = [
  postMetatag("post_id", null),
  ...SITES.map((site) => postMetatag(site === "pixiv" ? "pixiv pixiv_id" : site, site)),
];
