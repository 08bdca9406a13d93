import type { NaiveImage, NaiveLibrary, NaiveNode, NaiveTag, NaiveTerm } from "./naive_search.ts";
import { NUMBERS, SITES } from "./naive_search.ts";
import { CATEGORIES } from "./naive_parser.ts";
import { drawNumbers } from "./number_arbitrary.ts";
import type { Random } from "./random.ts";

/*
 * Random searches over a library: a tree and its text. Values come mostly from the library, so that
 * results are rarely empty. Not drawn: a `)` at the end of a metatag's value without quotes, which belongs
 * to the value or not by what stands around it.
 */

/** A tree whose leaves know how they were written. */
export type QueryTree =
  | { kind: "term"; term: NaiveTerm; text: string }
  | { kind: "not"; node: QueryTree }
  | { kind: "and" | "or"; nodes: QueryTree[] };

/** From what a search is drawn. */
export type QueryScope = { random: Random; library: NaiveLibrary; tags: readonly NaiveTag[] };

/** The tree without its spelling. */
export function toNaiveNode(tree: QueryTree): NaiveNode {
  if (tree.kind === "term") return { kind: "term", term: tree.term };
  if (tree.kind === "not") return { kind: "not", node: toNaiveNode(tree.node) };
  return { kind: tree.kind, nodes: tree.nodes.map(toNaiveNode) };
}

/** Leaves that a tree is made of. */
export type LeafMaker = (scope: QueryScope) => QueryTree;

/** Draws a tree of at most about `size` leaves. */
export function drawTree(scope: QueryScope, size: number, drawLeaf: LeafMaker): QueryTree {
  const { random } = scope;
  if (size <= 1) {
    const leaf = drawLeaf(scope);
    return random.int(5) === 0 ? { kind: "not", node: leaf } : leaf;
  }
  const count = Math.min(size, 2 + random.int(3));
  const nodes = Array.from(
    { length: count },
    () => drawTree(scope, Math.floor(size / count), drawLeaf),
  );
  if (random.int(10) === 0) nodes.push(random.pick(nodes));
  const tree: QueryTree = { kind: random.int(3) === 0 ? "or" : "and", nodes };
  return random.int(6) === 0 ? { kind: "not", node: tree } : tree;
}

/** Writes a tree in one of its many spellings. */
export function writeTree(random: Random, tree: QueryTree): string {
  return new TreeWriter(random).write(tree);
}

class TreeWriter {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  write(tree: QueryTree): string {
    return this.#maybeSpace() + this.#whole(tree) + this.#maybeSpace();
  }

  #space(): string {
    return this.#random.pick([" ", " ", " ", "  ", "\t", "\u3000", " \u0085"]);
  }

  #maybeSpace(): string {
    return this.#random.int(4) === 0 ? this.#space() : "";
  }

  #keyword(text: string): string {
    return this.#space() + this.#random.pick([text, text.toUpperCase()]) + this.#space();
  }

  /** A node where a list, `or` or an operator stands around it. */
  #factor(node: QueryTree): string {
    if (node.kind === "not" && this.#random.int(12) > 0) return `-${this.#operand(node.node)}`;
    return node.kind === "not" ? this.#group(this.#whole(node)) : this.#operand(node);
  }

  #operand(node: QueryTree): string {
    return node.kind === "term" && this.#random.int(12) > 0
      ? node.text
      : this.#group(this.#whole(node));
  }

  #group(text: string): string {
    // The smiley would take the parenthesis before the group does.
    const end = text.endsWith(":)") ? this.#space() : this.#maybeSpace();
    return `(${this.#maybeSpace()}${text}${end})`;
  }

  /** A node that nothing stands around. */
  #whole(node: QueryTree): string {
    switch (node.kind) {
      case "term":
        return node.text;
      case "not":
        return `-${this.#operand(node.node)}`;
      case "and":
        return this.#random.int(6) === 0 ? this.#withAnd(node.nodes) : this.#list(node.nodes);
      case "or":
        if (this.#random.int(3) === 0) return this.#alternatives(node.nodes);
        return node.nodes.map((inner) => this.#listOrFactor(inner))
          .reduce((text, next) => text + this.#keyword("or") + next);
    }
  }

  #listOrFactor(node: QueryTree): string {
    const isBare = node.kind === "and" && this.#random.int(2) === 0;
    return isBare ? this.#whole(node) : this.#factor(node);
  }

  /** Lists joined by `and`: a choice that is a list of its own may be written with `~`. */
  #withAnd(nodes: readonly QueryTree[]): string {
    const isAnd = nodes.map(() => this.#random.int(2) === 0);
    return nodes.map((node, i) => {
      const isOwnList = (i === 0 || isAnd[i]) && (i + 1 === nodes.length || isAnd[i + 1]);
      const isChoice = node.kind === "or" && isOwnList && this.#random.int(2) === 0;
      return isChoice ? this.#alternatives(node.nodes) : this.#factor(node);
    }).reduce((text, next, i) => text + (isAnd[i] ? this.#keyword("and") : this.#space()) + next);
  }

  /** Words side by side; one `or` among them may be written with `~`, anywhere in the list. */
  #list(nodes: readonly QueryTree[]): string {
    const choice = nodes.find((node) => node.kind === "or");
    if (choice === undefined || choice.kind !== "or" || this.#random.int(2) === 0) {
      return nodes.map((inner) => this.#factor(inner)).join(this.#space());
    }
    const words = nodes.filter((node) => node !== choice).map((inner) => this.#factor(inner));
    for (const node of choice.nodes) {
      words.splice(this.#random.int(words.length + 1), 0, `~${this.#operand(node)}`);
    }
    return words.join(this.#space());
  }

  #alternatives(nodes: readonly QueryTree[]): string {
    return nodes.map((inner) => `~${this.#operand(inner)}`).join(this.#space());
  }
}

function quoted(random: Random, value: string): string {
  if (/[()]/.test(value)) return `"${value}"`;
  if (/[\s\u0085]/.test(value)) {
    const isEscapable = !/[^\S ]|\u0085/.test(value);
    return isEscapable && random.int(3) === 0 ? value.replaceAll(" ", "\\ ") : `"${value}"`;
  }
  // Whether a quoted word such as "none" is meant literally, the document does not say.
  const isPlain = /^(any|none)?$/i.test(value) || random.int(10) > 0;
  return isPlain ? value : `"${value}"`;
}

/** The same letters in other cases. */
function inAnyCase(random: Random, text: string): string {
  const kind = random.int(6);
  if (kind === 0) return text.toUpperCase();
  return kind === 1 ? text.slice(0, 1).toUpperCase() + text.slice(1) : text;
}

function metatag(random: Random, name: string, value: string): QueryTree {
  const text = `${inAnyCase(random, name)}:${quoted(random, value)}`;
  return { kind: "term", term: { kind: "metatag", name, value }, text };
}

function tagTerm(
  random: Random,
  name: string,
  options: { prefix?: string; isAliased?: boolean } = {},
): QueryTree {
  const { prefix, isAliased = true } = options;
  const category = prefix === undefined ? null : CATEGORIES[prefix];
  // What changes more than the case ("ß" is "SS") would be another name.
  const cased = inAnyCase(random, name);
  const written = cased.toLowerCase() === name ? cased : name;
  const start = isAliased ? prefix : "unaliased";
  return {
    kind: "term",
    term: { kind: "tag", name, category, isAliased, isLiteral: false },
    text: start === undefined ? written : `${inAnyCase(random, start)}:${written}`,
  };
}

/** Draws a tag's name: the common ones more often, seldom one that no image has. */
function drawName({ random, library, tags }: QueryScope): string {
  if (tags.length === 0 || random.int(25) === 0) {
    return random.pick(["no_such_tag", "nix", "x*y"]).replace("*", "_");
  }
  if (random.int(10) === 0 && library.aliases.length > 0) {
    const alias = random.pick(library.aliases);
    return random.pick([alias.from, alias.to]);
  }
  const place = Math.floor(tags.length ** (random.int(10_000) / 10_000)) - 1;
  return tags[Math.min(place, tags.length - 1)].name;
}

/** A plain tag, which SQL finds as well. */
export function drawPlainTag(scope: QueryScope): QueryTree {
  return tagTerm(scope.random, drawName(scope));
}

function drawPattern(random: Random, name: string): string {
  const letters = [...name];
  const stars = 1 + random.int(random.int(4) === 0 ? 4 : 2);
  for (let i = 0; i < stars; i++) {
    letters.splice(random.int(letters.length + 1), random.int(4), "*");
  }
  return letters.join("");
}

function drawWildcard(scope: QueryScope, prefix?: string): QueryTree {
  const { random } = scope;
  // A pattern may not begin like an operator, nor be a word with a colon that is a metatag.
  const pattern = random.pick([
    drawPattern(random, drawName(scope)),
    `*${drawName(scope).slice(1)}`,
    `${drawName(scope).slice(0, 2)}*`,
    "*",
    "**",
    "*_*_*",
  ]);
  const isSafe = !/[()]/.test(pattern) && !/^[-~]|^\w+:/.test(pattern) &&
    pattern.toUpperCase().toLowerCase() === pattern;
  return tagTerm(random, isSafe ? pattern : "*_hair*", { prefix });
}

/** Draws any one term. */
export function drawTerm(scope: QueryScope): QueryTree {
  const { random } = scope;
  const kind = random.int(100);
  if (kind < 38) return drawPlainTag(scope);
  if (kind < 46) return drawWildcard(scope);
  if (kind < 52) return drawQualified(scope);
  if (kind < 76) return drawNumber(scope);
  return drawWord(scope);
}

function drawLiteral(random: Random, name: string): QueryTree {
  // What a backslash means in quotes, but before a quote, the document does not say.
  const isQuoted = !name.includes("\\") && (random.int(2) === 0 || /[()]/.test(name));
  const term = { kind: "tag", name, category: null, isAliased: true, isLiteral: true } as const;
  const text = isQuoted ? `"${name.replaceAll('"', '\\"')}"` : name;
  return { kind: "term", term, text: `${inAnyCase(random, "tag")}:${text}` };
}

/** A name that does not end with a `)` of its own: behind a prefix it is no smiley. */
function drawClosed(scope: QueryScope): string {
  const name = drawName(scope);
  return name === ":)" ? "no_such_tag" : name;
}

function drawQualified(scope: QueryScope): QueryTree {
  const { random, tags } = scope;
  const prefix = random.pick(Object.keys(CATEGORIES));
  if (random.int(5) === 0) return tagTerm(random, drawClosed(scope), { isAliased: false });
  if (random.int(6) === 0) return drawLiteral(random, drawName(scope));
  if (random.int(4) === 0) return drawWildcard(scope, prefix);
  const own = tags.filter(({ name, category }) => category === CATEGORIES[prefix] && name !== ":)");
  const name = own.length > 0 && random.int(4) > 0 ? random.pick(own).name : drawClosed(scope);
  return tagTerm(random, name, { prefix });
}

function drawNumber({ random, library }: QueryScope): QueryTree {
  const images = library.images;
  if (random.int(8) === 0) {
    const site = random.pick([...Object.keys(SITES), "post_id", "post_id"]);
    const posts = images.flatMap((image) => image.posts).slice(0, 200);
    const read = () => posts.length === 0 ? 1 : random.pick(posts).id;
    const image = images.slice(0, 1);
    return metatag(random, site, drawNumbers(random, { kind: "integer", read }, image));
  }
  const name = random.pick(Object.keys(NUMBERS));
  return metatag(random, name, drawNumbers(random, NUMBERS[name], images));
}

const FILE_WORDS = ["jpg", "png", "gif", "webp", "avif", "mp4", "webm", "swf", "zip"];
const RATING_WORDS = ["g", "s", "q", "e", "gen", "safe", "sa", "Sensitive", "quest", "EXPLICIT"];
const IS_WORDS = [
  ...["sfw", "nsfw", "parent", "child", "favourite", "image", "video", "active", "deleted"],
  ...["general", "sensitive", "questionable", "explicit", "safe", "pending", "jpg", "mp4"],
];
const HAS_WORDS = ["parent", "children", "source", "pools", "tags", "rating", "notes", "comments"];
const STATUS_WORDS = ["active", "any", "all", "deleted", "pending"];
const WORDS = [
  ...["rating", "rating", "filetype", "ext", "type", "dot", "md5", "source", "source"],
  ...["filename", "path", "parent", "parent", "child", "pool", "pool", "fav", "is", "is", "has"],
  ...["has", "status", "similar"],
];

function drawWord(scope: QueryScope): QueryTree {
  const { random, library } = scope;
  const images = library.images;
  // Of more than 200 posts that share tags, those are found that are most alike.
  const name = random.pick(
    images.length > 200 ? WORDS.filter((word) => word !== "similar") : WORDS,
  );
  const image = images.length === 0 ? null : random.pick(images);
  const list = (words: readonly string[]) =>
    Array.from({ length: 1 + random.int(3) }, () => random.pick(words)).join(",");
  if (name === "dot") {
    const value = random.pick(FILE_WORDS);
    return { kind: "term", term: { kind: "metatag", name: "ext", value }, text: `.${value}` };
  }
  return metatag(random, name, drawWordValue(name, { ...scope, image, list }));
}

function drawWordValue(
  name: string,
  scope: QueryScope & { image: NaiveImage | null; list: (words: readonly string[]) => string },
): string {
  const { random, library, image, list } = scope;
  const anyOrNone = () => random.pick(["any", "none", "None"]);
  switch (name) {
    case "rating":
      return random.int(6) === 0 ? anyOrNone() : list(RATING_WORDS);
    case "filetype":
    case "ext":
    case "type":
      return list(FILE_WORDS);
    case "md5": {
      const md5s = library.images.slice(0, 50).map(({ md5 }) => md5);
      return list([...md5s, "0123456789abcdef0123456789abcdef"]);
    }
    case "source":
      return drawSource(random, image);
    case "filename":
    case "path":
      return drawPart(random, image?.filepath ?? "x", name);
    case "parent":
      return random.int(3) === 0 ? anyOrNone() : String(drawParent(random, library, image));
    case "similar":
      return String(image?.id ?? 1);
    case "child":
      return anyOrNone();
    case "pool":
      return drawPool(random, library);
    case "fav":
      return random.pick(["me", "any", "none", "Somebody_else", "none"]);
    case "is":
      return inAnyCase(random, random.pick(IS_WORDS));
    case "has":
      return inAnyCase(random, random.pick(HAS_WORDS));
    default:
      return inAnyCase(random, random.pick(STATUS_WORDS));
  }
}

function drawParent(random: Random, library: NaiveLibrary, image: NaiveImage | null): number {
  const named = library.images.flatMap(({ parents }) => parents);
  return named.length > 0 && random.int(2) === 0 ? random.pick(named) : image?.id ?? 1;
}

function drawSource(random: Random, image: NaiveImage | null): string {
  const kind = random.int(8);
  if (kind === 0) return random.pick(["any", "none", "", "None"]);
  if (kind === 1) return random.pick([...Object.keys(SITES), "DANBOORU"]);
  const source = image?.source ?? "https://www.pixiv.net/";
  const text = kind < 5
    ? source.slice(0, 1 + random.int(source.length))
    : drawPattern(random, source);
  return inAnyCase(random, text);
}

function drawPart(random: Random, filepath: string, name: string): string {
  const text = name === "path" ? filepath : filepath.slice(filepath.lastIndexOf("/") + 1);
  const start = random.int(text.length);
  const part = random.int(3) === 0
    ? drawPattern(random, text)
    : text.slice(start, start + 1 + random.int(6));
  return inAnyCase(random, part);
}

function drawPool(random: Random, { pools }: NaiveLibrary): string {
  if (pools.length === 0 || random.int(8) === 0) {
    return random.pick(["any", "none", "no pool", "99"]);
  }
  const pool = random.pick(pools);
  const name = pool.name.replaceAll(" ", random.pick([" ", "_"]));
  const pattern = drawPattern(random, name);
  return random.pick([String(pool.id), name, inAnyCase(random, name), pattern]);
}
