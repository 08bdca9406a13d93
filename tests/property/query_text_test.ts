import { assert, assertEquals, assertThrows } from "@std/assert";
import { QUERY_LENGTH_MAX, QUERY_TERMS_MAX } from "../../src/base/limits.ts";
import { QuerySyntaxError } from "../../src/base/query_syntax_error.ts";
import { toCanonicalText } from "../../src/query/canonical.ts";
import { METATAGS } from "../../src/query/metatags.ts";
import { parseQuery } from "../../src/query/parser.ts";
import { makeNaiveLibrary } from "../support/naive_library_arbitrary.ts";
import { drawQuery } from "../support/order_arbitrary.ts";
import {
  drawTerm,
  drawTree,
  type QueryScope,
  type QueryTree,
  writeTree,
} from "../support/query_arbitrary.ts";
import { makeRandom, type Random } from "../support/random.ts";
import { SEARCH_NOW } from "../support/search_oracle.ts";
import { readQueryDocument } from "../support/query_document.ts";
import { runs } from "../support/tier.ts";

/* Texts of searches, valid and not: none of these tests needs a result. */

const DEPTH_MAX = 500;

function firstSeed(): number {
  return Number(Deno.env.get("CHIBIBOORU_SEED") ?? Math.floor(Math.random() * 1e9));
}

function makeScope(seed: number): QueryScope {
  const random = makeRandom(seed);
  const { library, tags } = makeNaiveLibrary(random, { images: 60, tags: 40, tagsPerImage: 5 });
  return { random, library, tags };
}

/** Runs a test over as many drawn values, and names the seed of one that fails. */
function forDrawn<T>(count: number, draw: (scope: QueryScope) => T, test: (value: T) => void) {
  const first = firstSeed();
  for (let done = 0, seed = first; done < count; seed++) {
    const scope = makeScope(seed);
    for (let i = 0; i < 200 && done < count; i++, done++) {
      const value = draw(scope);
      try {
        test(value);
      } catch (error) {
        const name = `CHIBIBOORU_SEED=${seed}: ${JSON.stringify(value).slice(0, 2_000)}`;
        throw new Error(`${name}\n${error instanceof Error ? error.message : error}`, {
          cause: error,
        });
      }
    }
  }
}

function canonicalOf(text: string): string {
  return toCanonicalText(parseQuery(text, { now: SEARCH_NOW }));
}

Deno.test("toCanonicalText() parses to itself", () => {
  forDrawn(runs(1_500, 60_000), drawQuery, ({ text }) => {
    const canonical = canonicalOf(text);
    assertEquals(canonicalOf(canonical), canonical);
  });
});

/** The same tree with other places for the members of its lists, some of them twice. */
function shuffled(random: Random, tree: QueryTree): QueryTree {
  if (tree.kind === "term") return tree;
  if (tree.kind === "not") return { kind: "not", node: shuffled(random, tree.node) };
  const nodes = tree.nodes.map((node) => shuffled(random, node));
  const extra = random.int(3) === 0 ? [random.pick(nodes)] : [];
  const sorted = [...nodes, ...extra].map((node) => ({ node, place: random.int(1_000) }))
    .sort((a, b) => a.place - b.place);
  return { kind: tree.kind, nodes: sorted.map(({ node }) => node) };
}

Deno.test("toCanonicalText() is one for searches that differ in places, doubles and spelling", () => {
  const draw = (scope: QueryScope) => {
    const tree = drawTree(scope, 1 + scope.random.int(8), drawTerm);
    const other = shuffled(scope.random, tree);
    return [writeTree(scope.random, tree), writeTree(scope.random, other)];
  };
  forDrawn(runs(800, 30_000), draw, ([left, right]) => {
    assertEquals(canonicalOf(left), canonicalOf(right));
  });
});

/** Parses, or checks that the refusal is one that a page can show. */
function parseOrRefuse(text: string): boolean {
  try {
    parseQuery(text, { now: SEARCH_NOW });
    return true;
  } catch (error) {
    assert(error instanceof QuerySyntaxError, `${error}`);
    assert(error.message.trim() !== "", "the message is empty");
    const { offset, suggestion } = error;
    assert(Number.isInteger(offset) && offset >= 0 && offset <= text.length, `offset ${offset}`);
    if (suggestion !== undefined) {
      assert(suggestion !== text, "the suggestion is the text itself");
      parseQuery(suggestion, { now: SEARCH_NOW });
    }
    return false;
  }
}

const { examples } = await readQueryDocument();
const NAMES = METATAGS.flatMap(({ name, aliases }) => [name, ...aliases]);
const PIECES = [
  ...["(", "(", ")", ")", "-", "~", " ", " ", " ", "\u3000", "\u0085", "or", "and", "OR ", " or "],
  ...[
    "*",
    '"',
    '"',
    "'",
    "\\",
    "\\ ",
    ":",
    ",",
    "..",
    "...",
    ">",
    ">=",
    "<",
    "=",
    "a",
    "b",
    "solo",
  ],
  ...[
    "hat_(x)",
    ":)",
    ">:(",
    "5",
    "-5",
    "1.5",
    "2024-02-29",
    "none",
    "any",
    "\0",
    "\u200b",
    "\ud83d",
  ],
  ...["order:", "limit:", "random:", "id:1,2", "order:custom", "ordpool:1", "rating:", "e", "🎨"],
];

function drawSoup({ random }: QueryScope): string {
  return Array.from({ length: random.int(25) }, () => {
    if (random.int(6) === 0) return `${random.pick(NAMES)}:`;
    if (random.int(12) === 0) return random.pick(examples).search;
    return random.pick(PIECES);
  }).join("");
}

function drawUnits({ random }: QueryScope): string {
  const end = random.pick([0x80, 0x100, 0x10000]);
  const units = Array.from({ length: random.int(60) }, () => random.int(end));
  return String.fromCharCode(...units);
}

/** A valid search with something missing, doubled or put in. */
function drawDamaged(scope: QueryScope): string {
  const { random } = scope;
  let { text } = drawQuery(scope);
  for (let i = random.int(3); i >= 0; i--) {
    const start = random.int(text.length + 1);
    const end = start + random.int(4);
    const middle = random.pick(["", random.pick(PIECES), text.slice(start, end).repeat(2)]);
    text = text.slice(0, start) + middle + text.slice(end);
  }
  return text;
}

for (
  const [name, draw] of Object.entries({ drawSoup, drawUnits, drawDamaged })
) {
  Deno.test(`parseQuery() parses or refuses whatever ${name} gives`, () => {
    let parsed = 0;
    forDrawn(runs(1_200, 100_000), draw, (text) => {
      if (parseOrRefuse(text)) parsed++;
    });
    assert(parsed > 0, "nothing parsed");
  });
}

Deno.test("parseQuery() of huge texts parses or refuses at once", () => {
  const many = (text: string) => text.repeat(QUERY_LENGTH_MAX).slice(0, QUERY_LENGTH_MAX);
  const pieces = ["(", ")", "-", "~", "*", '"', "a ", "-a ", "~a ", "(a ", "-(", "a or ", "-(a "];
  const long = ["id:1,", "a*", "id:", "(~a ", "or ", "a:", "source:", "\\ ", '"a" ', "rating:"];
  for (const piece of [...pieces, ...long, "\u3000", "ä", "(a)", "-(-", "a (b or ", "~(~a "]) {
    parseOrRefuse(many(piece));
    parseOrRefuse(`id:${many(piece).slice(3)}`);
  }
  parseOrRefuse(`source:"${"a".repeat(QUERY_LENGTH_MAX - 9)}"`);
  parseOrRefuse(`id:${many("1,").slice(4)}1`);
});

Deno.test("parseQuery() takes groups that change nothing to any depth", () => {
  const depth = QUERY_LENGTH_MAX / 2 - 2;
  const text = `${"(".repeat(depth)}solo${")".repeat(depth)}`;
  assertEquals(canonicalOf(text), canonicalOf("solo"));
  // Whether exclusions that cancel out count as groups, the document does not say.
  parseOrRefuse(`${"-(".repeat(20_000)}solo${")".repeat(20_000)}`);
});

function nested(depth: number): string {
  return `${"(a or (b ".repeat(depth / 2)}c${"))".repeat(depth / 2)}`;
}

Deno.test("parseQuery() takes groups within groups as deep as the document says", () => {
  canonicalOf(nested(DEPTH_MAX));
  assertThrows(() => parseQuery(nested(DEPTH_MAX + 4)), QuerySyntaxError);
  parseOrRefuse(nested(20_000));
});

Deno.test("parseQuery() takes as many terms and letters as the document says", () => {
  const terms = (count: number) => Array.from({ length: count }, (_, i) => `t${i}`);
  for (const glue of [" ", " or ", " ~", " and ", " -"]) {
    canonicalOf(terms(QUERY_TERMS_MAX).join(glue));
    assertThrows(() => parseQuery(terms(QUERY_TERMS_MAX + 1).join(glue)), QuerySyntaxError);
  }
  parseQuery(`solo${" ".repeat(QUERY_LENGTH_MAX - 4)}`);
  assertThrows(() => parseQuery(`solo${" ".repeat(QUERY_LENGTH_MAX - 3)}`), QuerySyntaxError);
});
