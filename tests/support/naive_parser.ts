import { type NaiveNode, type NaiveQuery, type NaiveTerm, NUMBERS, SITES } from "./naive_search.ts";

/*
 * Reads searches as docs/query_language.md describes them, for texts that are valid; what is not is an
 * Error of no special kind. It shares no code with src/query.
 */

/** Prefix → category of tags. */
export const CATEGORIES: Readonly<Record<string, string>> = {
  artist: "artist",
  art: "artist",
  creator: "artist",
  contributor: "artist",
  character: "character",
  char: "character",
  copyright: "copyright",
  copy: "copyright",
  series: "copyright",
  species: "species",
  meta: "meta",
  general: "general",
  gen: "general",
};

const WORD_METATAGS = ["rating", "filetype", "ext", "type", "md5", "source", "filename", "path"];
const OTHER_METATAGS = [
  "post_id",
  "parent",
  "child",
  "pool",
  "fav",
  "is",
  "has",
  "status",
  "similar",
];
const WHOLE_METATAGS = ["order", "ordpool", "ordfav", "limit"];
const METATAGS = [
  ...Object.keys(NUMBERS),
  ...Object.keys(SITES),
  ...WORD_METATAGS,
  ...OTHER_METATAGS,
  ...WHOLE_METATAGS,
];

const FILE_WORD = /^\.(jpg|png|gif|webp|avif|mp4|webm|swf|zip)$/i;
const SMILEYS = [":)", ":(", ";)", ";(", ">:)", ">:("];
const EVERYTHING: NaiveNode = { kind: "and", nodes: [] };

/** Reads a valid search. */
export function parseNaively(text: string): NaiveQuery {
  return new NaiveParser(text).parse();
}

class NaiveParser {
  readonly #text: string;
  readonly #query: NaiveQuery = { root: EVERYTHING, order: null, ordpool: null, limit: null };
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): NaiveQuery {
    this.#skipSpace();
    if (this.#at < this.#text.length) this.#query.root = this.#parseChoice();
    if (this.#at < this.#text.length) throw this.#wrong();
    return this.#query;
  }

  /** `a b or c d` */
  #parseChoice(): NaiveNode {
    const nodes = [this.#parseAll()];
    while (this.#take(/^or(?=[\s\u0085])/i)) nodes.push(this.#parseAll());
    return nodes.length === 1 ? nodes[0] : { kind: "or", nodes };
  }

  /** `a b and c d` */
  #parseAll(): NaiveNode {
    const nodes = [this.#parseList()];
    while (this.#take(/^and(?=[\s\u0085])/i)) nodes.push(this.#parseList());
    return nodes.length === 1 ? nodes[0] : { kind: "and", nodes };
  }

  /** `a -b ~c ~d` */
  #parseList(): NaiveNode {
    const all: NaiveNode[] = [];
    const any: NaiveNode[] = [];
    this.#skipSpace();
    while (this.#at < this.#text.length && this.#text[this.#at] !== ")") {
      if (/^(or|and)[\s\u0085]/i.test(this.#text.slice(this.#at))) break;
      if (this.#take(/^~/)) any.push(this.#parseFactor());
      else if (this.#take(/^-/)) all.push({ kind: "not", node: this.#parseFactor() });
      else all.push(this.#parseFactor());
      this.#skipSpace();
    }
    if (any.length > 0) all.push(any.length === 1 ? any[0] : { kind: "or", nodes: any });
    if (all.length === 0) throw this.#wrong();
    return all.length === 1 ? all[0] : { kind: "and", nodes: all };
  }

  #parseFactor(): NaiveNode {
    if (!this.#take(/^\(/)) return this.#parseWord();
    this.#depth++;
    const node = this.#parseChoice();
    if (!this.#take(/^\)/)) throw this.#wrong();
    this.#depth--;
    return node;
  }

  #parseWord(): NaiveNode {
    const rest = this.#text.slice(this.#at);
    const metatag = /^([a-z0-9_]+):/i.exec(rest)?.[1].toLowerCase();
    if (metatag === undefined || !METATAGS.includes(metatag)) return this.#parseTag();
    this.#at += metatag.length + 1;
    return this.#toMetatag(metatag, this.#parseValue());
  }

  #parseQuoted(): string | null {
    const quoted = /^"((?:\\"|[^"])*)"/.exec(this.#text.slice(this.#at));
    if (quoted === null) return null;
    this.#at += quoted[0].length;
    return quoted[1].replaceAll('\\"', '"');
  }

  #parseValue(): string {
    return this.#parseQuoted() ?? this.#takeWord(() => false).replaceAll("\\ ", " ");
  }

  #parseTag(): NaiveNode {
    if (this.#take(/^tag:/i)) {
      const name = this.#parseQuoted() ?? this.#takeWord(isBalanced);
      return term({ kind: "tag", name, category: null, isAliased: true, isLiteral: true });
    }
    const word = this.#takeWord((word) => SMILEYS.includes(word) || isBalanced(word));
    if (FILE_WORD.test(word)) return term({ kind: "metatag", name: "ext", value: word.slice(1) });
    const [, prefix, name] = /^([a-z]+):(.+)$/i.exec(word) ?? [];
    const key = prefix?.toLowerCase();
    const isAliased = key !== "unaliased";
    const category = key === undefined ? null : CATEGORIES[key] ?? null;
    const isPlain = isAliased && category === null;
    return term({
      kind: "tag",
      name: isPlain ? word : name,
      category,
      isAliased,
      isLiteral: false,
    });
  }

  #toMetatag(name: string, value: string): NaiveNode {
    if (name === "order") this.#query.order = value;
    else if (name === "limit") this.#query.limit = Number(value);
    else if (name === "ordfav") {
      this.#query.order = "fav";
      return term({ kind: "metatag", name: "fav", value });
    } else if (name === "ordpool") {
      this.#query.ordpool = value;
      return term({ kind: "metatag", name: "pool", value });
    } else return term({ kind: "metatag", name, value });
    return EVERYTHING;
  }

  /** Letters up to white space, but for the parentheses at the end that close groups. */
  #takeWord(isWhole: (word: string) => boolean): string {
    let [word] = /^(\\ |[^\s\u0085])*/.exec(this.#text.slice(this.#at))!;
    for (let open = this.#depth; open > 0 && word.endsWith(")") && !isWhole(word); open--) {
      word = word.slice(0, -1);
    }
    this.#at += word.length;
    return word;
  }

  #take(pattern: RegExp): boolean {
    const match = pattern.exec(this.#text.slice(this.#at));
    if (match === null) return false;
    this.#at += match[0].length;
    return true;
  }

  #skipSpace(): void {
    this.#take(/^[\s\u0085]+/);
  }

  #wrong(): Error {
    return new Error(`The naive parser stops at ${this.#at} of ${this.#text}`);
  }
}

function term(term: NaiveTerm): NaiveNode {
  return { kind: "term", term };
}

function isBalanced(word: string): boolean {
  let open = 0;
  for (const sign of word) {
    if (sign === "(") open++;
    if (sign === ")" && --open < 0) return false;
  }
  return open === 0;
}
