import { QUERY_DEPTH_MAX, QUERY_LENGTH_MAX, QUERY_TERMS_MAX } from "../base/limits.ts";
import { QuerySyntaxError } from "../base/query_syntax_error.ts";
import { FILE_TYPE_CODES } from "../tags/file_types.ts";
import { allOf, anyOf, negate, type Query, type QueryNode } from "./ast.ts";
import type { MetatagMeaning } from "./metatag.ts";
import { findMetatag, toNameNode } from "./metatags.ts";
import { QueryOptions } from "./query_options.ts";

/*
 * Grammar (docs/query_language.md says what it means):
 *
 *   query   = or                             ; nothing at all = every image
 *   or      = and { "or" and }
 *   and     = list { "and" list }
 *   list    = factor { factor }              ; juxtaposition = AND; all "~" members are one OR
 *   factor  = [ "-" | "~" ] ( "(" or ")" | word )
 *   word    = metatag | wildcard | tag
 *   metatag = NAME ":" ( quoted | run of non-space, "\ " = space )
 *
 * Keywords need white space behind them, in any case. White space is Unicode's, and U+0085. The parser keeps
 * its own stack: texts may hold ten thousands of parentheses.
 */

/** Options of {@link parseQuery}. */
export type ParseOptions = {
  /** The search's present, for ages and `today`; milliseconds since 1970. */
  now?: number;
  /** Draws the seed of an `order:random` without one; 0 to 1. */
  random?: () => number;
};

/**
 * Parses the text of a search. Cost: O(length), about 1 µs a word.
 *
 * @throws {QuerySyntaxError} With the offset and, where one can be guessed, a query that parses.
 */
export function parseQuery(text: string, options: ParseOptions = {}): Query {
  const { now = Date.now(), random = Math.random } = options;
  try {
    return new Parser(text, { now, random }).parse();
  } catch (error) {
    if (!(error instanceof QuerySyntaxError) || error.suggestion === undefined) throw error;
    throw isParsed(error.suggestion, { now, random })
      ? error
      : new QuerySyntaxError(error.message, { offset: error.offset });
  }
}

function isParsed(text: string, options: Required<ParseOptions>): boolean {
  try {
    new Parser(text, options).parse();
    return true;
  } catch (error) {
    if (error instanceof QuerySyntaxError) return false;
    throw error;
  }
}

/** One group that is being read. */
type Group = {
  /** Where its "(" stands; -1 for the whole text. */
  offset: number;
  /** Operator before it. */
  operator: "-" | "~" | "";
  alternatives: QueryNode[];
  conjuncts: QueryNode[];
  list: QueryNode[];
  choices: QueryNode[];
  /** Levels of meaning inside it. */
  depth: number;
};

const SPACE = /[\s\u0085]/u;
const SPACES = /[\s\u0085]*/uy;
const KEYWORD = /(and|or)(?=[\s\u0085]|$)/iuy;
/** A word that can only be a tag, and stands as it is stored: most words. */
const PLAIN_WORD = /[a-z0-9_][a-z0-9_'!?&+/;<>^=-]{0,99}(?= |$)/y;
const METATAG_NAME = /([a-z_][a-z0-9_]*):/iy;
const RUN = /[^\s\u0085]+/uy;
const VALUE_RUN = /(?:\\[\s\u0085]|[^\s\u0085])*/uy;
const EMOTICONS = new Set([":)", ":(", ";)", ";(", ">:)", ">:("]);

class Parser {
  readonly #text: string;
  readonly #around: Required<ParseOptions>;
  readonly #options: QueryOptions;
  readonly #groups: Group[] = [];
  #at = 0;
  #terms = 0;

  constructor(text: string, options: Required<ParseOptions>) {
    this.#text = text;
    this.#around = options;
    this.#options = new QueryOptions();
  }

  parse(): Query {
    const text = this.#text;
    if (text.length > QUERY_LENGTH_MAX) {
      throw new QuerySyntaxError(
        `Cannot search for ${text.length} characters: the limit is ${QUERY_LENGTH_MAX}`,
        { offset: QUERY_LENGTH_MAX },
      );
    }
    this.#groups.push(newGroup(-1, ""));
    for (;;) {
      this.#skip(SPACES);
      if (this.#at >= text.length) break;
      this.#readFactor();
    }
    const group = this.#group;
    if (this.#groups.length > 1) {
      const before = text.slice(0, group.offset);
      throw this.#fault(`The "(" is never closed`, {
        offset: group.offset,
        suggestion: isGroupEmpty(group) ? before : `${text})`,
      });
    }
    const isEmpty = isGroupEmpty(group) && group.alternatives.length + group.conjuncts.length === 0;
    const root: QueryNode = isEmpty ? { kind: "all" } : this.#close(group, text.length);
    return this.#options.apply(root);
  }

  get #group(): Group {
    return this.#groups[this.#groups.length - 1];
  }

  #readFactor(): void {
    const text = this.#text;
    const start = this.#at;
    const first = text[start];
    if (first === ")") return this.#endGroup();
    const operator = first === "-" || first === "~" ? first : "";
    if (operator === "") {
      const keyword = this.#match(KEYWORD);
      if (keyword !== null) return this.#readKeyword(keyword[1].toLowerCase(), start);
    } else {
      this.#at++;
      this.#checkOperand(operator, start);
    }
    if (text[this.#at] === "(") {
      this.#groups.push(newGroup(this.#at, operator));
      this.#at++;
      return;
    }
    const wordAt = this.#at;
    const word = this.#readWord();
    if (operator !== "") this.#options.checkNoneFrom(wordAt);
    this.#add(word, operator, 0);
  }

  /** Directly behind an operator there must be something that it can stand before. */
  #checkOperand(operator: string, start: number): void {
    const next = this.#text[this.#at];
    const isMissing = next === undefined || next === ")" || SPACE.test(next);
    if (!isMissing && next !== "-" && next !== "~") return;
    const before = this.#text.slice(0, start);
    const rest = this.#text.slice(start).replace(/^[-~\s\u0085]+/u, "");
    throw this.#fault(
      isMissing
        ? `"${operator}" must stand directly before a tag or a group`
        : `There is more than one operator before a word`,
      {
        offset: start,
        suggestion: rest === "" || rest.startsWith(")") ? before + rest : before + operator + rest,
      },
    );
  }

  #readKeyword(keyword: string, start: number): void {
    const group = this.#group;
    if (isGroupEmpty(group)) {
      const rest = this.#text.slice(this.#at).trimStart();
      throw this.#fault(`"${keyword}" needs something before it`, {
        offset: start,
        suggestion: `${this.#text.slice(0, start)}${rest}`,
      });
    }
    this.#skip(SPACES);
    if (this.#at >= this.#text.length || this.#text[this.#at] === ")") {
      throw this.#fault(`"${keyword}" needs something behind it`, {
        offset: start,
        suggestion: this.#text.slice(0, start).trimEnd() + this.#text.slice(this.#at),
      });
    }
    closeList(group);
    if (keyword === "or") closeConjuncts(group);
  }

  #endGroup(): void {
    const group = this.#group;
    if (this.#groups.length === 1) {
      throw this.#fault(`The ")" closes nothing`, {
        offset: this.#at,
        suggestion: this.#text.slice(0, this.#at) + this.#text.slice(this.#at + 1),
      });
    }
    if (isGroupEmpty(group)) {
      throw this.#fault("There is nothing in these parentheses", {
        offset: group.offset,
        suggestion: this.#text.slice(0, group.offset).replace(/[-~]$/, "") +
          this.#text.slice(this.#at + 1),
      });
    }
    this.#at++;
    this.#groups.pop();
    this.#add(this.#close(group, group.offset), group.operator, group.depth);
  }

  #close(group: Group, offset: number): QueryNode {
    closeList(group);
    closeConjuncts(group);
    if (group.operator !== "" || group.alternatives.length > 1) {
      this.#options.checkNoneFrom(group.offset);
    }
    if (group.depth > QUERY_DEPTH_MAX) {
      throw this.#fault(`Groups within groups are ${QUERY_DEPTH_MAX} deep at most`, { offset });
    }
    return anyOf(group.alternatives);
  }

  #add(node: QueryNode, operator: string, depth: number): void {
    const group = this.#group;
    const isDeeper = node.kind === "and" || node.kind === "or" || node.kind === "not";
    group.depth = Math.max(group.depth, depth + (isDeeper ? 1 : 0));
    if (operator === "-") group.list.push(negate(node));
    else if (operator === "~") group.choices.push(node);
    else group.list.push(node);
  }

  #readWord(): QueryNode {
    const start = this.#at;
    if (this.#terms++ === QUERY_TERMS_MAX) {
      throw this.#fault(`Cannot search for more than ${QUERY_TERMS_MAX} terms`, { offset: start });
    }
    const plain = this.#match(PLAIN_WORD)?.[0];
    if (plain !== undefined && plain !== "and" && plain !== "or") {
      return { kind: "tag", name: plain, category: null, isLiteral: false };
    }
    this.#at = start;
    const named = this.#match(METATAG_NAME);
    const metatag = named === null ? undefined : findMetatag(named[1]);
    if (named !== null && metatag !== undefined) {
      const value = this.#readValue(metatag.isName);
      const meaning = metatag.parse(value.text, { ...this.#around, isQuoted: value.isQuoted });
      if (!("fault" in meaning)) return this.#toNode(meaning, start);
      const { fault, offset = 0, instead } = meaning;
      throw this.#fault(fault, {
        offset: value.offset + Math.min(offset, value.text.length),
        suggestion: instead === undefined
          ? undefined
          : `${this.#text.slice(0, value.offset)}${instead}${this.#text.slice(this.#at)}`,
      });
    }
    this.#at = start;
    return this.#readTag();
  }

  #toNode(meaning: MetatagMeaning, offset: number): QueryNode {
    const { node = { kind: "all" } as QueryNode, order, limit } = meaning;
    // An order that is the usual one is an order all the same: two of them contradict each other.
    const unseededEnd = meaning.hasDrawnSeed ? this.#at : undefined;
    if (order !== undefined) this.#options.add({ order, limit, offset, unseededEnd });
    else if (limit !== undefined) this.#options.add({ limit, offset });
    else if (meaning.node === undefined) this.#options.add({ order: null, offset });
    return node;
  }

  /** A value; a ")" at its end is given back as behind tags, or by Danbooru's simpler rule. */
  #readValue(isName: boolean): { text: string; offset: number; isQuoted: boolean } {
    const offset = this.#at;
    const quote = this.#text[offset];
    if (quote === '"' || quote === "'") {
      const value = this.#readQuoted(quote);
      if (value !== undefined) return { text: value, offset, isQuoted: true };
      throw this.#fault(`The ${quote} is never closed`, {
        offset,
        suggestion: `${this.#text}${quote}`,
      });
    }
    let run = this.#match(VALUE_RUN)![0];
    const open = this.#groups.length - 1;
    const given = isName ? countGivenBack(run, open) : Math.min(open, countTrailing(run));
    run = run.slice(0, run.length - given);
    this.#at = offset + run.length;
    return { text: run.replaceAll(/\\(?=[\s\u0085])/gu, ""), offset, isQuoted: false };
  }

  /** A quoted value; behind its end there must be white space, a ")" or nothing. */
  #readQuoted(quote: string): string | undefined {
    let value = "";
    for (let i = this.#at + 1; i < this.#text.length; i++) {
      const sign = this.#text[i];
      if (sign === "\\" && /["'\\]/.test(this.#text[i + 1] ?? "")) value += this.#text[++i];
      else if (sign !== quote) value += sign;
      else {
        const next = this.#text[i + 1];
        if (next !== undefined && next !== ")" && !SPACE.test(next)) {
          throw this.#fault(`A space is missing behind the ${quote}`, {
            offset: i + 1,
            suggestion: `${this.#text.slice(0, i + 1)} ${this.#text.slice(i + 1)}`,
          });
        }
        this.#at = i + 1;
        return value;
      }
    }
    return undefined;
  }

  #readTag(): QueryNode {
    const start = this.#at;
    let run = this.#match(RUN)![0];
    run = run.slice(0, run.length - countGivenBack(run, this.#groups.length - 1));
    this.#at = start + run.length;
    if (/^(and|or)$/i.test(run)) {
      throw this.#fault(`"${run}" is a word of the language`, { offset: start });
    }
    const fileType = run.startsWith(".")
      ? FILE_TYPE_CODES.get(run.slice(1).toLowerCase())
      : undefined;
    if (fileType !== undefined) return { kind: "fileType", codes: [fileType] };
    const node = toNameNode(run, { category: null });
    if (node !== undefined) return node;
    throw this.#fault("A tag cannot be that long or have control characters", { offset: start });
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match !== null) this.#at = pattern.lastIndex;
    return match;
  }

  #skip(pattern: RegExp): void {
    this.#match(pattern);
  }

  #fault(message: string, at: { offset: number; suggestion?: string }): QuerySyntaxError {
    const suggestion = at.suggestion?.trim();
    return new QuerySyntaxError(message, {
      offset: at.offset,
      suggestion: suggestion === "" ? undefined : suggestion,
    });
  }
}

function newGroup(offset: number, operator: Group["operator"]): Group {
  return {
    offset,
    operator,
    alternatives: [],
    conjuncts: [],
    list: [],
    choices: [],
    depth: 0,
  };
}

/** Whether nothing was read since the group began or since its last keyword. */
function isGroupEmpty(group: Group): boolean {
  return group.list.length + group.choices.length === 0;
}

function closeList(group: Group): void {
  if (isGroupEmpty(group)) return;
  const { list, choices } = group;
  group.conjuncts.push(allOf(choices.length === 0 ? list : [...list, anyOf(choices)]));
  group.list = [];
  group.choices = [];
}

function closeConjuncts(group: Group): void {
  group.alternatives.push(allOf(group.conjuncts));
  group.conjuncts = [];
}

/**
 * How many of the ")" at a word's end belong to the groups around it, of which there are `open`: none if the word is
 * an emoticon or balanced, else so many that it is balanced, or all that the groups can take. Cost: O(length).
 */
function countGivenBack(word: string, open: number): number {
  if (EMOTICONS.has(word)) return 0;
  const trailing = countTrailing(word);
  let own = 0;
  let isBroken = false;
  for (let i = 0; i < word.length - trailing; i++) {
    if (word[i] === "(") own++;
    else if (word[i] === ")" && --own < 0) isBroken = true;
  }
  let kept = trailing;
  let given = 0;
  while (given < open && kept > 0 && (isBroken || kept !== own)) {
    // What is left may be an emoticon.
    if (kept < 3 && EMOTICONS.has(word.slice(0, word.length - given))) break;
    kept--;
    given++;
  }
  return given;
}

/** The ")" at the end of a word. */
function countTrailing(word: string): number {
  let count = 0;
  while (count < word.length && word[word.length - 1 - count] === ")") count++;
  return count;
}
