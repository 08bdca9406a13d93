import { seededRandom, zipf } from "./random.ts";

/** Numbers of an image that the log asks ranges of; `pixels` is width × height. */
export type RangeField =
  | "id"
  | "score"
  | "favCount"
  | "width"
  | "height"
  | "pixels"
  | "ingestedAt";

/**
 * A search of the log as the bench itself understands it: the text is made from it, and every side but
 * ours answers it, so that the parser is not asked what it should have understood.
 */
export type LogNode =
  | { kind: "tag"; name: string; tagId: number }
  | { kind: "wildcard"; pattern: string; tagIds: readonly number[] }
  /** Both ends included; `text` is how the language writes it. */
  | { kind: "range"; field: RangeField; low: number; high: number; text: string }
  | { kind: "not"; node: LogNode }
  | { kind: "and"; nodes: readonly LogNode[] }
  | { kind: "or"; nodes: readonly LogNode[]; isTilde: boolean };

/** Kinds of queries: by the dearest thing that they have; `tags` is tags side by side. */
export const QUERY_KINDS = ["tags", "orNot", "wildcard", "range"] as const;

/** Kind of a query. */
export type QueryKind = typeof QUERY_KINDS[number];

/** One query of the log. */
export type LoggedQuery = {
  text: string;
  node: LogNode;
  kind: QueryKind;
  /** Whether it has an OR or a NOT, whatever its kind. */
  isBoolean: boolean;
};

/** What the log is drawn from. */
export type LogSource = {
  /** Tags, the most used first. */
  tags: readonly { id: number; name: string }[];
  /** The lowest and the highest value of each field. */
  bounds: Record<RangeField, readonly [low: number, high: number]>;
};

/** Exponent of the tags' own distribution. */
const EXPONENT = 0.9;
const TERMS_MAX = 6;
const BOOLEAN_SHARE = 1 / 3;
const SPECIAL_SHARE = 1 / 10;
/** Wildcards of the log match so many tags: what people type, not `*`. */
const WILDCARD_TAGS_MIN = 10;
const WILDCARD_TAGS_MAX = 300;
/** Share of the queries with OR or NOT that only exclude. */
const ONLY_EXCLUDING_SHARE = 0.02;

/**
 * Draws a log of searches: 1 to 6 tags by Zipf 0.9, as often as people use them; a third of the queries
 * with OR or NOT, a tenth with a wildcard or a range. The same seed gives the same log.
 */
export function buildQueryLog(
  source: LogSource,
  options: { queries: number; seed: number },
): LoggedQuery[] {
  const drawing = new LogDrawing(source, seededRandom(options.seed));
  return Array.from({ length: options.queries }, () => drawing.query());
}

/** Tags of which an image must have one or more; null if the node says something else. */
export function tagIdsOf(node: LogNode): readonly number[] | null {
  if (node.kind === "tag") return [node.tagId];
  if (node.kind === "wildcard") return node.tagIds;
  if (node.kind !== "or") return null;
  const lists = node.nodes.map(tagIdsOf);
  return lists.includes(null) ? null : [...new Set(lists.flatMap((list) => list!))];
}

/** Whether a search asks for more than tags. */
export function asksRange(node: LogNode): boolean {
  if (node.kind === "range") return true;
  if (node.kind === "not") return asksRange(node.node);
  return (node.kind === "and" || node.kind === "or") && node.nodes.some(asksRange);
}

/** The text of a search, as a person writes it. */
export function toText(node: LogNode): string {
  return write(node, "top");
}

/** Where a node stands decides whether it needs parentheses. */
function write(node: LogNode, place: "top" | "or" | "and" | "not"): string {
  switch (node.kind) {
    case "tag":
      return node.name;
    case "wildcard":
      return node.pattern;
    case "range":
      return node.text;
    case "not":
      return `-${write(node.node, "not")}`;
    case "and": {
      const text = node.nodes.map((inner) => write(inner, "and")).join(" ");
      return place === "not" || place === "and" ? `(${text})` : text;
    }
    case "or": {
      if (node.isTilde && place !== "not" && place !== "or") {
        return node.nodes.map((inner) => `~${write(inner, "and")}`).join(" ");
      }
      const text = node.nodes.map((inner) => write(inner, "or")).join(" or ");
      return place === "top" ? text : `(${text})`;
    }
  }
}

class LogDrawing {
  readonly #source: LogSource;
  readonly #random: () => number;
  readonly #drawTag: () => number;
  readonly #matches = new Map<string, number[]>();

  constructor(source: LogSource, random: () => number) {
    this.#source = source;
    this.#random = random;
    this.#drawTag = zipf(source.tags.length, EXPONENT, random);
  }

  query(): LoggedQuery {
    const isBoolean = this.#random() < BOOLEAN_SHARE;
    const isSpecial = this.#random() < SPECIAL_SHARE;
    const isOnlyExcluding = isBoolean && this.#random() < ONLY_EXCLUDING_SHARE;
    let count = 1 + this.#below(TERMS_MAX);
    if (isBoolean && !isOnlyExcluding) count = Math.max(2, count);
    const terms: LogNode[] = this.#tags(count);
    const special = this.#random() < 0.5 ? "wildcard" : "range";
    const kind = isSpecial ? special : isBoolean ? "orNot" : "tags";
    if (kind === "wildcard") terms[this.#below(count)] = this.#wildcard();
    if (kind === "range") terms[this.#below(count)] = this.#range();
    let node = conjunction(terms);
    if (isOnlyExcluding) node = conjunction(terms.map((term) => negation(term)));
    else if (isBoolean) node = this.#combine(terms);
    return { text: toText(node), node, kind, isBoolean };
  }

  /** Joins two terms or more by OR and NOT in one of the shapes that people use. */
  #combine(terms: LogNode[]): LogNode {
    const shape = this.#random();
    const cut = 1 + this.#below(terms.length - 1);
    const [some, rest] = [terms.slice(0, cut), terms.slice(cut)];
    // a b -c -d, at most two of them
    if (shape < 0.45) {
      const excluded = Math.min(rest.length, 2);
      const kept = terms.slice(0, terms.length - excluded);
      return conjunction([...kept, ...terms.slice(-excluded).map(negation)]);
    }
    // (a or b) c, or ~a ~b c
    if (shape < 0.75) {
      if (some.length === 1) return { kind: "or", nodes: terms, isTilde: this.#random() < 0.5 };
      return conjunction([{ kind: "or", nodes: some, isTilde: this.#random() < 0.5 }, ...rest]);
    }
    // a b or c d
    const sides = [conjunction(some), conjunction(rest)];
    if (shape < 0.9 || terms.length === 2) return { kind: "or", nodes: sides, isTilde: false };
    // a -(b c), a -(b or c), a (b or (c -d))
    const [first, second, ...others] = terms;
    if (shape < 0.93) return conjunction([first, negation(conjunction([second, ...others]))]);
    if (shape < 0.96) {
      return conjunction([
        first,
        negation({ kind: "or", nodes: [second, ...others], isTilde: false }),
      ]);
    }
    const inner = conjunction([...others.slice(0, -1), negation(others[others.length - 1])]);
    return conjunction([first, { kind: "or", nodes: [second, inner], isTilde: false }]);
  }

  #tags(count: number): LogNode[] {
    const chosen = new Set<number>();
    const wanted = Math.min(count, this.#source.tags.length);
    while (chosen.size < wanted) chosen.add(this.#drawTag());
    return [...chosen].map((place) => {
      const { id, name } = this.#source.tags[place];
      return { kind: "tag", name, tagId: id };
    });
  }

  /** A prefix, suffix, infix or both ends of the name of a tag, with a realistic number of matches. */
  #wildcard(): LogNode {
    for (;;) {
      const { name } = this.#source.tags[this.#drawTag()];
      const shape = this.#below(4);
      const length = 2 + this.#below(name.length - 2);
      const start = this.#below(name.length - length + 1);
      const pattern = [
        `${name.slice(0, length)}*`,
        `*${name.slice(-length)}`,
        `*${name.slice(start, start + length)}*`,
        `${name.slice(0, length - 1)}*${name.slice(-1)}`,
      ][shape];
      const tagIds = this.#tagsLike(pattern);
      if (tagIds.length >= WILDCARD_TAGS_MIN && tagIds.length <= WILDCARD_TAGS_MAX) {
        return { kind: "wildcard", pattern, tagIds };
      }
    }
  }

  /** Matches by plain comparison of every name; patterns have one or two stars and no other rules. */
  #tagsLike(pattern: string): number[] {
    let ids = this.#matches.get(pattern);
    if (ids === undefined) {
      const [start, middle, end] = splitPattern(pattern);
      ids = this.#source.tags.filter(({ name }) =>
        name.length >= start.length + middle.length + end.length && name.startsWith(start) &&
        name.endsWith(end) &&
        (middle === "" || name.slice(start.length, name.length - end.length).includes(middle))
      ).map(({ id }) => id);
      this.#matches.set(pattern, ids);
    }
    return ids;
  }

  #range(): LogNode {
    const fields = Object.keys(RANGE_WRITERS) as RangeField[];
    const field = fields[this.#below(fields.length)];
    const [least, most] = this.#source.bounds[field];
    const from = least + this.#below(most - least + 1);
    const to = from + this.#below(most - from + 1);
    const write = RANGE_WRITERS[field];
    return { kind: "range", field, ...write({ from, to, shape: this.#below(3) }) };
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}

function splitPattern(pattern: string): [start: string, middle: string, end: string] {
  const parts = pattern.split("*");
  return parts.length === 2
    ? [parts[0], "", parts[1]]
    : [parts[0], parts[1], parts[parts.length - 1]];
}

function conjunction(nodes: readonly LogNode[]): LogNode {
  return nodes.length === 1 ? nodes[0] : { kind: "and", nodes };
}

function negation(node: LogNode): LogNode {
  return { kind: "not", node };
}

type RangeDrawing = { from: number; to: number; shape: number };
type WrittenRange = { low: number; high: number; text: string };

function writeNumber(name: string): (drawing: RangeDrawing) => WrittenRange {
  return ({ from, to, shape }) => {
    if (shape === 0) return { low: from, high: Infinity, text: `${name}:>=${from}` };
    if (shape === 1) return { low: -Infinity, high: to - 1, text: `${name}:<${to}` };
    return { low: from, high: to, text: `${name}:${from}..${to}` };
  };
}

const DAY_SECONDS = 86_400;
const MILLION = 1_000_000;

/** Whole days, in UTC. */
function writeDays({ from, to, shape }: RangeDrawing): WrittenRange {
  const first = Math.floor(from / DAY_SECONDS);
  const last = Math.floor(to / DAY_SECONDS);
  const day = (number: number) => new Date(number * DAY_SECONDS * 1_000).toISOString().slice(0, 10);
  const [low, high] = [first * DAY_SECONDS, (last + 1) * DAY_SECONDS - 1];
  if (shape === 0) return { low, high: Infinity, text: `date:>=${day(first)}` };
  if (shape === 1) return { low, high: low + DAY_SECONDS - 1, text: `date:${day(first)}` };
  return { low, high, text: `date:${day(first)}..${day(last)}` };
}

/** Whole millions. */
function writePixels({ from, shape }: RangeDrawing): WrittenRange {
  const millions = Math.max(1, Math.floor(from / MILLION));
  if (shape === 0) {
    return { low: -Infinity, high: millions * MILLION - 1, text: `mpixels:<${millions}` };
  }
  return { low: millions * MILLION, high: Infinity, text: `mpixels:>=${millions}` };
}

const RANGE_WRITERS: Record<RangeField, (drawing: RangeDrawing) => WrittenRange> = {
  id: writeNumber("id"),
  score: writeNumber("score"),
  favCount: writeNumber("favcount"),
  width: writeNumber("width"),
  height: writeNumber("height"),
  pixels: writePixels,
  ingestedAt: writeDays,
};
