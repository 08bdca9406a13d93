import { ID_MAX } from "../../base/ids.ts";
import { POOL_IMAGES_MAX } from "../../base/limits.ts";
import type { PageRequest } from "../../query/page.ts";
import { DanbooruError, invalid } from "./errors.ts";

/** Levels of `a[b][c]` and of JSON objects that are read. */
const DEPTH_MAX = 8;
/** Fields of one request. */
const FIELDS_MAX = 10_000;
/** Members of a list in JSON: the posts of a pool are one. */
const LIST_LENGTH_MAX = POOL_IMAGES_MAX;
/** Length of a field's name. */
const KEY_LENGTH_MAX = 1_000;
const TRUE_WORDS = new Set(["true", "t", "yes", "y", "on", "1"]);
const FALSE_WORDS = new Set(["false", "f", "no", "n", "off", "0"]);
const NUMBER_MAX = 0x7fff_ffff;

/** Stands for a list whose members are no texts: it is an error to whoever reads it, and only then. */
const BROKEN: unique symbol = Symbol("a list of something else");
type Leaf = string | string[] | null | typeof BROKEN;
type Tree = Map<string, Tree | Leaf>;

/**
 * The parameters of a request as Rails has them: query, form and JSON merged, `a[b]=c` and `{"a":{"b":"c"}}`
 * alike. The query wins where both have a field. Scalars are texts; null is no text, as clients in typed
 * languages write it for what they do not set.
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

  /**
   * The text at a path; that of a list is its members with a space between; undefined without one.
   *
   * @throws {DanbooruError} 422 for a list with members that are no texts.
   */
  text(...path: string[]): string | undefined {
    const found = this.#leaf(path);
    return Array.isArray(found) ? found.join(" ") : found ?? undefined;
  }

  /**
   * The members at a path: a list, or a text divided at commas and white space.
   *
   * @throws {DanbooruError} As {@link text}.
   */
  list(...path: string[]): string[] | undefined {
    const found = this.#leaf(path) ?? undefined;
    if (found === undefined) return undefined;
    const texts = typeof found === "string" ? [found] : found;
    return texts.flatMap((text) => text.split(/[\s,]+/)).filter((text) => text !== "");
  }

  /**
   * As {@link text}, for what is to be written: of what is there, nothing is taken for empty.
   *
   * @throws {DanbooruError} 422 for an object and for a list that holds no text.
   */
  written(...path: string[]): string | undefined {
    const found = this.#find(path);
    if (found instanceof Map || (Array.isArray(found) && found.length === 0)) throw notText(path);
    return this.text(...path);
  }

  /**
   * As {@link list}, for what is to be written; an empty list is one.
   *
   * @throws {DanbooruError} 422 for an object.
   */
  writtenList(...path: string[]): string[] | undefined {
    if (this.#find(path) instanceof Map) throw notText(path);
    return this.list(...path);
  }

  /** Whether there is a null at a path. */
  isNull(...path: string[]): boolean {
    return this.#find(path) === null;
  }

  /** A truth value in any of Danbooru's spellings; undefined without one or with another word. */
  flag(...path: string[]): boolean | undefined {
    const word = this.text(...path)?.trim().toLowerCase() ?? "";
    if (TRUE_WORDS.has(word)) return true;
    return FALSE_WORDS.has(word) ? false : undefined;
  }

  #leaf(path: readonly string[]): string | string[] | null | undefined {
    const found = this.#find(path);
    if (found === BROKEN) throw notText(path);
    return found instanceof Map ? undefined : found;
  }

  #find(path: readonly string[]): Tree | Leaf | undefined {
    let found: Tree | Leaf | undefined = this.#root;
    for (const key of path) {
      if (!(found instanceof Map)) return undefined;
      found = found.get(key);
    }
    return found;
  }
}

function notText([...path]: readonly string[]): DanbooruError {
  const [first, ...rest] = path;
  return invalid(
    `${first}${rest.map((part) => `[${part}]`).join("")} is no text and no list of texts`,
  );
}

async function addBody(root: Tree, request: Request): Promise<void> {
  const type = (request.headers.get("content-type") ?? "").split(";")[0].trim().toLowerCase();
  if (type === "multipart/form-data") {
    addFields(root, await readForm(request));
    return;
  }
  const text = await request.text();
  if (text.trim() === "") return;
  if (type === "application/x-www-form-urlencoded") addFields(root, new URLSearchParams(text));
  else if (type === "application/json") {
    addJson(root, parseJson(text), { depth: 0, count: { n: 0 } });
  } else {
    // Ignored, it would seem that an edit was made.
    throw new DanbooruError(
      415,
      "ActionController::BadRequest",
      `Cannot read a body of the type ${JSON.stringify(type.slice(0, 80))}: send JSON or a form`,
    );
  }
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
  return badRequest(`The body is not ${what}`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function addJson(
  tree: Tree,
  object: Record<string, unknown>,
  at: { depth: number; count: { n: number } },
): void {
  if (at.depth >= DEPTH_MAX) return;
  for (const key of Object.keys(object)) {
    countField(at.count);
    const value = object[key];
    if (Array.isArray(value)) {
      if (value.length > LIST_LENGTH_MAX) throw badRequest("A list has too many members");
      tree.set(key, value.every(isScalar) ? value.map(String) : BROKEN);
    } else if (isObject(value)) {
      addJson(branchOf(tree, key), value, { ...at, depth: at.depth + 1 });
    } else {
      // The npm client flattens nothing, but others send the keys of a form as JSON.
      addField(tree, key, isScalar(value) ? String(value) : null);
    }
  }
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

/** @throws {DanbooruError} 400 for more fields than a request may have. */
function countField(count: { n: number }): void {
  if (++count.n > FIELDS_MAX) throw badRequest("The request has too many fields");
}

function badRequest(message: string): DanbooruError {
  return new DanbooruError(400, "ActionController::BadRequest", message);
}

function addFields(tree: Tree, fields: Iterable<[string, string]>): void {
  const own: Tree = new Map();
  const count = { n: 0 };
  for (const [key, value] of fields) {
    countField(count);
    addField(own, key, value);
  }
  merge(tree, own);
}

/** Adds `a[b][c]` or `a[]`; of a repeated scalar the last counts. */
function addField(tree: Tree, key: string, value: string | null): void {
  if (key.length > KEY_LENGTH_MAX) throw badRequest("The name of a field is too long");
  const [, name, rest] = /^([^[]+)((?:\[[^\]]*\])*)$/.exec(key) ?? [null, key, ""];
  const path = [name, ...[...rest.matchAll(/\[([^\]]*)\]/g)].map((match) => match[1])]
    .slice(0, DEPTH_MAX);
  const isList = path.length > 1 && path.at(-1) === "";
  if (isList) path.pop();
  let branch = tree;
  for (const part of path.slice(0, -1)) branch = branchOf(branch, part);
  const last = path[path.length - 1];
  if (!isList) {
    branch.set(last, value);
    return;
  }
  const before = branch.get(last);
  if (Array.isArray(before)) before.push(value ?? "");
  else branch.set(last, [value ?? ""]);
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

/** Entries on a page of a list unless a parameter says otherwise, and most of them. */
const LIST_LIMIT_DEFAULT = 20;
const LIST_LIMIT_MAX = 1_000;

/**
 * Takes the page that the parameters ask for. A page by id is always ordered by it, the newest first; the
 * n-th page is of the entries as they stand. Cost: O(entries) by id: for lists that are short.
 */
export function pageOf<T extends { id: number }>(entries: readonly T[], params: Params): T[] {
  const page = readPage(params);
  const limit = readListLimit(params);
  if (page.kind === "number") {
    const start = (page.number - 1) * limit;
    return entries.slice(start, start + limit);
  }
  const { id, kind } = page;
  const byId = entries.filter((entry) => kind === "after" ? entry.id > id : entry.id < id)
    .sort((a, b) => b.id - a.id);
  return kind === "after" ? byId.slice(-limit) : byId.slice(0, limit);
}

/**
 * As {@link pageOf}, of ids; for a page by id they must descend (see {@link isPageById}). Cost: O(limit +
 * log ids).
 */
export function pageOfIds(ids: Int32Array, params: Params): number[] {
  const page = readPage(params);
  const limit = readListLimit(params);
  if (page.kind === "number") {
    const start = (page.number - 1) * limit;
    return [...ids.subarray(start, start + limit)];
  }
  if (page.kind === "before") {
    const start = firstBelow(ids, page.id);
    return [...ids.subarray(start, start + limit)];
  }
  const end = firstBelow(ids, page.id + 1);
  return [...ids.subarray(Math.max(0, end - limit), end)];
}

/** Whether a page by id is asked for, whose order is that of the ids whatever else is said. */
export function isPageById(params: Params): boolean {
  return readPage(params).kind !== "number";
}

/** Entries on a page of a list. */
export function readListLimit(params: Params): number {
  return readLimit(params, { max: LIST_LIMIT_MAX }) ?? LIST_LIMIT_DEFAULT;
}

/** Place of the first id below a bound, in ids that descend. */
function firstBelow(ids: Int32Array, bound: number): number {
  let [first, end] = [0, ids.length];
  while (first < end) {
    const middle = (first + end) >>> 1;
    if (ids[middle] >= bound) first = middle + 1;
    else end = middle;
  }
  return first;
}
