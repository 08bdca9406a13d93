import { ID_MAX } from "../../base/ids.ts";
import type { PageRequest } from "../../query/page.ts";
import { DanbooruError } from "./errors.ts";

/** Levels of `a[b][c]` and of JSON objects that are read. */
const DEPTH_MAX = 8;
/** Fields of one request. */
const FIELDS_MAX = 10_000;
const TRUE_WORDS = new Set(["true", "t", "yes", "y", "on", "1"]);
const FALSE_WORDS = new Set(["false", "f", "no", "n", "off", "0"]);
const NUMBER_MAX = 0x7fff_ffff;

type Tree = Map<string, Tree | string | string[]>;

/**
 * The parameters of a request as Rails has them: query, form and JSON merged, `a[b]=c` and `{"a":{"b":"c"}}`
 * alike. The query wins where both have a field. Scalars are texts, and null is the empty one.
 */
export class Params {
  readonly #root: Tree;

  private constructor(root: Tree) {
    this.#root = root;
  }

  /**
   * Reads the parameters of a request. The body of a GET is never looked at: some clients announce one
   * that they do not send.
   *
   * @throws {DanbooruError} 400 if the body does not parse.
   */
  static async read(request: Request): Promise<Params> {
    const root: Tree = new Map();
    if (request.method !== "GET" && request.method !== "HEAD") await addBody(root, request);
    addFields(root, new URL(request.url).searchParams);
    return new Params(root);
  }

  /** The text at a path; that of a list is its members with a space between; undefined without one. */
  text(...path: string[]): string | undefined {
    const found = this.#find(path);
    if (found === undefined || found instanceof Map) return undefined;
    return typeof found === "string" ? found : found.join(" ");
  }

  /** The members at a path: a list, or a text divided at commas and white space. */
  list(...path: string[]): string[] | undefined {
    const found = this.#find(path);
    if (found === undefined || found instanceof Map) return undefined;
    const texts = typeof found === "string" ? [found] : found;
    return texts.flatMap((text) => text.split(/[\s,]+/)).filter((text) => text !== "");
  }

  /** Whether there is a field at a path, whatever it holds. */
  has(...path: string[]): boolean {
    return this.#find(path) !== undefined;
  }

  /** A truth value in any of Danbooru's spellings; undefined without one or with another word. */
  flag(...path: string[]): boolean | undefined {
    const word = this.text(...path)?.trim().toLowerCase() ?? "";
    if (TRUE_WORDS.has(word)) return true;
    return FALSE_WORDS.has(word) ? false : undefined;
  }

  #find(path: readonly string[]): Tree | string | string[] | undefined {
    let found: Tree | string | string[] | undefined = this.#root;
    for (const key of path) {
      if (!(found instanceof Map)) return undefined;
      found = found.get(key);
    }
    return found;
  }
}

async function addBody(root: Tree, request: Request): Promise<void> {
  const type = (request.headers.get("content-type") ?? "").split(";")[0].trim().toLowerCase();
  if (type === "multipart/form-data") {
    addFields(root, await readForm(request));
    return;
  }
  if (type !== "application/json" && type !== "application/x-www-form-urlencoded") return;
  const text = await request.text();
  if (type === "application/x-www-form-urlencoded") addFields(root, new URLSearchParams(text));
  else if (text.trim() !== "") addJson(root, parseJson(text), 0);
}

async function readForm(request: Request): Promise<[string, string][]> {
  try {
    const form = await request.formData();
    return [...form].filter((field): field is [string, string] => typeof field[1] === "string");
  } catch (error) {
    if (error instanceof TypeError) throw badBody("a form");
    throw error;
  }
}

function parseJson(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw badBody("a JSON object");
}

function badBody(what: string): DanbooruError {
  return new DanbooruError(400, "ActionController::BadRequest", `The body is not ${what}`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function addJson(tree: Tree, object: Record<string, unknown>, depth: number): void {
  if (depth >= DEPTH_MAX) return;
  for (const [key, value] of Object.entries(object)) {
    if (Array.isArray(value)) {
      tree.set(key, value.filter((item) => !isObject(item)).map(toText));
    } else if (isObject(value)) addJson(branchOf(tree, key), value, depth + 1);
    // The npm client flattens nothing, but others send the keys of a form as JSON.
    else addField(tree, key, toText(value));
  }
}

function toText(value: unknown): string {
  return value === null || value === undefined ? "" : String(value);
}

function addFields(tree: Tree, fields: Iterable<[string, string]>): void {
  const own: Tree = new Map();
  let count = 0;
  for (const [key, value] of fields) {
    if (++count > FIELDS_MAX) {
      throw new DanbooruError(
        400,
        "ActionController::BadRequest",
        "The request has too many fields",
      );
    }
    addField(own, key, value);
  }
  merge(tree, own);
}

/** Adds `a[b][c]` or `a[]`; of a repeated scalar the last counts. */
function addField(tree: Tree, key: string, value: string): void {
  const [, name, rest] = /^([^[]+)((?:\[[^\]]*\])*)$/.exec(key) ?? [null, key, ""];
  const path = [name, ...[...rest.matchAll(/\[([^\]]*)\]/g)].map((match) => match[1])]
    .slice(0, DEPTH_MAX);
  const isList = path.length > 1 && path.at(-1) === "";
  if (isList) path.pop();
  let branch = tree;
  for (const part of path.slice(0, -1)) branch = branchOf(branch, part);
  const last = path[path.length - 1];
  const before = branch.get(last);
  if (isList) branch.set(last, Array.isArray(before) ? [...before, value] : [value]);
  else branch.set(last, value);
}

function branchOf(tree: Tree, key: string): Tree {
  const found = tree.get(key);
  if (found instanceof Map) return found;
  const branch: Tree = new Map();
  tree.set(key, branch);
  return branch;
}

function merge(into: Tree, from: Tree): void {
  for (const [key, value] of from) {
    const before = into.get(key);
    if (value instanceof Map && before instanceof Map) merge(before, value);
    else into.set(key, value);
  }
}

/** A whole number as Ruby's to_i reads it: its leading digits, else 0. */
export function toInteger(text: string): number {
  const digits = /^\s*(-?\d+)/.exec(text)?.[1];
  return digits === undefined ? 0 : Math.max(-NUMBER_MAX, Math.min(NUMBER_MAX, Number(digits)));
}

/** An id that a parameter or a part of the path names; undefined when it is none. */
export function toId(text: string | undefined): number | undefined {
  if (text === undefined || !/^\s*\d{1,10}\s*$/.test(text)) return undefined;
  const id = Number(text);
  return id >= 1 && id <= ID_MAX ? id : undefined;
}

/**
 * The page asked for: `a<id>`, `b<id>` in any case, or a number. What is no page is the first one; there
 * is no last one.
 */
export function readPage(params: Params): PageRequest {
  const text = params.text("page") ?? "";
  const keyset = /^([ab])(\d+)$/i.exec(text);
  if (keyset === null) return { kind: "number", number: Math.max(1, toInteger(text)) };
  const id = Math.min(ID_MAX, Number(keyset[2]));
  return { kind: keyset[1].toLowerCase() === "a" ? "after" : "before", id };
}

/** The `limit` parameter from 1 to `max`; what is no number counts as 1, as on Danbooru. */
export function readLimit(params: Params, options: { max: number }): number | undefined {
  const text = params.text("limit");
  return text === undefined || text.trim() === ""
    ? undefined
    : Math.max(1, Math.min(options.max, toInteger(text)));
}

/** Entries on a page of a list. */
const LIST_LIMIT_DEFAULT = 20;
const LIST_LIMIT_MAX = 1_000;

/**
 * Takes the page that the parameters ask for. A page by id is always ordered by it, the newest first; the
 * n-th page is of the entries as they stand.
 */
export function pageOf<T extends { id: number }>(entries: readonly T[], params: Params): T[] {
  const page = readPage(params);
  const limit = readLimit(params, { max: LIST_LIMIT_MAX }) ?? LIST_LIMIT_DEFAULT;
  if (page.kind === "number") {
    const start = (page.number - 1) * limit;
    return entries.slice(start, start + limit);
  }
  const { id, kind } = page;
  const byId = entries.filter((entry) => kind === "after" ? entry.id > id : entry.id < id)
    .sort((a, b) => b.id - a.id);
  return kind === "after" ? byId.slice(-limit) : byId.slice(0, limit);
}

/** Whether a number is in a range of Danbooru's search fields (`5`, `>5`, `1..9`, `1,2,8..`). */
export function isInRange(value: number, text: string): boolean {
  return text.split(/[\s,]+/).filter((part) => part !== "").some((part) => isInPart(value, part));
}

function isInPart(value: number, part: string): boolean {
  if (part === "any") return true;
  if (part === "none") return false;
  const compared = /^(>=|<=|>|<)(-?\d+)$/.exec(part);
  if (compared !== null) {
    const bound = Number(compared[2]);
    const [sign] = compared[1];
    return value === bound
      ? compared[1].length === 2
      : sign === ">"
      ? value > bound
      : value < bound;
  }
  const range = /^(-?\d+)?(\.{2,3})(-?\d+)?$/.exec(part);
  if (range === null) return /^-?\d+$/.test(part) && value === Number(part);
  const [, first, dots, second] = range;
  if (first === undefined && second === undefined) return false;
  const from = first === undefined ? -Infinity : Number(first);
  const to = second === undefined ? Infinity : Number(second);
  const [low, high] = from <= to ? [from, to] : [to, from];
  return value >= low && (dots.length === 3 ? value < high : value <= high);
}

/** The test of a name against Danbooru's wildcards: any case, spaces as underscores, `*` for anything. */
export function nameMatcher(pattern: string): (name: string) => boolean {
  const wanted = pattern.trim().toLowerCase().replaceAll(/\s+/g, "_");
  const parts = wanted.split(/\*+/);
  if (parts.length === 1) return (name) => name.toLowerCase() === wanted;
  const [first, last] = [parts[0], parts[parts.length - 1]];
  const middle = parts.slice(1, -1);
  // No regular expression: a pattern with many stars would take it forever.
  return (text) => {
    const name = text.toLowerCase();
    if (!name.startsWith(first) || !name.endsWith(last)) return false;
    let at = first.length;
    for (const part of middle) {
      const found = name.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return at <= name.length - last.length;
  };
}
