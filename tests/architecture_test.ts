import { assert, assertEquals } from "@std/assert";
import { dirname, join, relative } from "node:path";

/*
 * The rules of the house that a program can check. Each test gathers all that is wrong and names file
 * and line, so that one run shows everything.
 */

const ROOT = new URL("../", import.meta.url).pathname;

/**
 * What each part of src may import, types included: always what stands further right in
 * http, cli → library → query, cache, store, media, worker, system → tags → base, and less where the
 * parts of the middle must not know each other.
 */
const ALLOWED: Record<string, readonly string[]> = {
  base: [],
  tags: ["base"],
  cache: ["tags", "base"],
  query: ["cache", "tags", "base"],
  store: ["tags", "base"],
  media: ["tags", "base"],
  system: ["tags", "base"],
  worker: ["base"],
  library: ["query", "cache", "store", "media", "worker", "system", "tags", "base"],
  http: [
    "library",
    "query",
    "cache",
    "store",
    "media",
    "worker",
    "system",
    "tags",
    "base",
    "version.ts",
  ],
  cli: ["http", "library", "query", "media", "system", "tags", "base", "config.ts", "version.ts"],
  deps: [],
  "core.ts": ["library", "cache", "media", "system", "tags", "base"],
  "config.ts": ["base"],
  "version.ts": [],
};

/** Files that may import more, and then types alone. */
const TYPES_ALLOWED: Record<string, readonly string[]> = {
  "src/worker/contracts.ts": ["cache", "store", "media", "tags"],
};

/** Names of the import map that only some parts may use. */
const OWNERS: Record<string, readonly string[]> = {
  "@db/sqlite": ["src/store/", "src/deps/", "bench/", "tests/", "tools/"],
  "#sqlite-backup": ["src/store/", "tests/"],
  sharp: ["src/media/", "tests/"],
  "fast-check": ["tests/"],
  "@std/assert": ["bench/", "tests/"],
};

const LINES_MAX = 400;
/** Tables of cases are long. */
const TEST_LINES_MAX = 500;
const MAIN_LINES_MAX = 100;
const FUNCTION_LINES_MAX = 70;

type SourceFile = { path: string; text: string; lines: string[] };
type Import = { line: number; specifier: string; isType: boolean; target: string };

const FILES = ["src", "workers", "tests", "bench", "tools"].flatMap((
  folder,
) => [...readFiles(folder)]);
if (exists("main.ts")) FILES.push(readSource("main.ts"));
/** What ships, tests and benches left out. */
const SHIPPED = FILES.filter(({ path }) => /^(src\/|workers\/|main\.ts$)/.test(path));
const IMPORT_MAP: Record<string, string> =
  JSON.parse(Deno.readTextFileSync(`${ROOT}deno.json`)).imports;

function exists(path: string): boolean {
  try {
    Deno.statSync(join(ROOT, path));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function* readFiles(folder: string): Generator<SourceFile> {
  for (const entry of Deno.readDirSync(join(ROOT, folder))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* readFiles(path);
    else if (/\.(ts|tsx|js)$/.test(entry.name)) yield readSource(path);
  }
}

function readSource(path: string): SourceFile {
  const text = Deno.readTextFileSync(join(ROOT, path));
  return { path, text, lines: text.split("\n") };
}

/** Text with the insides of comments blanked, line by line: examples in docstrings are no code. */
function withoutComments(text: string): string {
  return text.replace(
    /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)|\/\*[^]*?\*\/|(?<=^|[\s;{}(),])\/\/.*$/gm,
    (match, text: string | undefined) => text ?? match.replace(/[^\n]/g, " "),
  );
}

function lineOf(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}

/** Every static import and re-export of a file. */
function importsOf(file: SourceFile): Import[] {
  const statements = /^(import|export)\s+(type\s+)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"/gm;
  const text = withoutComments(file.text);
  const found = [...text.matchAll(statements)]
    .filter(([statement, keyword]) => keyword === "import" || /\sfrom\s+"/.test(statement))
    .map((match) => ({ index: match.index, specifier: match[3], isType: match[2] !== undefined }));
  const late = [...text.matchAll(/\(await import\("([^"]+)" as string\)\)/g)]
    .map((match) => ({ index: match.index, specifier: match[1], isType: false }));
  return [...found, ...late].map(({ index, specifier, isType }) => ({
    line: lineOf(file.text, index),
    specifier,
    isType,
    target: resolve(file.path, specifier),
  }));
}

/** Path of what a specifier means, from the root; the specifier itself when it is a package. */
function resolve(from: string, specifier: string): string {
  const mapped = IMPORT_MAP[specifier] ?? specifier;
  if (mapped !== specifier && mapped.startsWith("./")) return mapped.slice(2);
  return mapped.startsWith(".") ? join(dirname(from), mapped) : mapped;
}

/** Part of src that a path belongs to: its folder, or its name for a file beside the folders. */
function partOf(path: string): string | undefined {
  return /^src\/([^/]+)/.exec(path)?.[1];
}

/** Every place of a pattern in the code of some files, comments left out. */
function findAll(files: readonly SourceFile[], pattern: RegExp): string[] {
  return files.flatMap(({ path, text }) =>
    [...withoutComments(text).matchAll(pattern)].map((match) =>
      `${path}:${lineOf(text, match.index)} ${match[0].trim().split("\n")[0]}`
    )
  );
}

Deno.test("the scan of imports finds every form, and none in comments", () => {
  const text = [
    'import { a } from "./a.ts";',
    'import type { B } from "../tags/b.ts";',
    "import {",
    "  c,",
    '} from "./c.ts";',
    'import "./effect.ts";',
    'export { d } from "./d.ts";',
    'export const url = "./not_an_import.ts";',
    ' * import { e } from "./in_a_comment.ts";',
    '/* import { f } from "./in_a_comment.ts"; */',
    '// import { g } from "./in_a_comment.ts";',
    'import data from "../../deno.json" with { type: "json" };',
  ].join("\n");
  const found = importsOf({ path: "src/cache/x.ts", text, lines: text.split("\n") });
  assertEquals(found.map(({ line, target, isType }) => [line, target, isType]), [
    [1, "src/cache/a.ts", false],
    [2, "src/tags/b.ts", true],
    [3, "src/cache/c.ts", false],
    [6, "src/cache/effect.ts", false],
    [7, "src/cache/d.ts", false],
    [12, "deno.json", false],
  ]);
});

Deno.test("every part of src is in the table of dependencies", () => {
  const parts = new Set(FILES.map(({ path }) => partOf(path)).filter((part) => part !== undefined));
  assertEquals([...parts].filter((part) => !(part in ALLOWED)), []);
});

Deno.test("imports point to the right: no part of src knows one that stands further left", () => {
  const wrong = FILES.flatMap((file) => {
    const part = partOf(file.path);
    if (part === undefined) return [];
    return importsOf(file).filter(({ target, isType }) => {
      const other = partOf(target);
      if (other === undefined || other === part || other === "deps") return false;
      const asTypes = isType && TYPES_ALLOWED[file.path]?.includes(other);
      return !ALLOWED[part].includes(other) && !asTypes;
    }).map(({ line, specifier }) => `${file.path}:${line} ${part} must not import ${specifier}`);
  });
  assertEquals(wrong, []);
});

Deno.test("workers and main.ts are imported by nobody", () => {
  const wrong = FILES.flatMap((file) =>
    importsOf(file).filter(({ target }) => /^(workers\/|main\.ts$)/.test(target))
      .map(({ line, specifier }) => `${file.path}:${line} ${specifier}`)
  );
  assertEquals(wrong, []);
});

Deno.test("src imports nothing from tests, bench or tools", () => {
  const wrong = SHIPPED.flatMap((file) =>
    importsOf(file).filter(({ target }) => /^(tests|bench|tools)\//.test(target))
      .map(({ line, specifier }) => `${file.path}:${line} ${specifier}`)
  );
  assertEquals(wrong, []);
});

Deno.test("packages are imported by bare names of the import map, deps by no path", () => {
  const wrong = FILES.flatMap((file) =>
    importsOf(file).filter(({ specifier }) => {
      if (/^(node:|\.)/.test(specifier)) {
        const isDeps = /(^|\/)deps\//.test(specifier) || /^\.\.?\/.*src\/deps\//.test(specifier);
        return isDeps && !/^(src\/deps|tests\/deps)\//.test(file.path);
      }
      return !Object.keys(IMPORT_MAP).some((name) =>
        name === specifier || (name.endsWith("/") && specifier.startsWith(name))
      );
    }).map(({ line, specifier }) => `${file.path}:${line} ${specifier}`)
  );
  assertEquals(wrong, []);
});

Deno.test("each package is imported only where it belongs", () => {
  const wrong = FILES.flatMap((file) =>
    importsOf(file).filter(({ specifier }) =>
      specifier in OWNERS && !OWNERS[specifier].some((owner) => file.path.startsWith(owner))
    ).map(({ line, specifier }) => `${file.path}:${line} ${specifier}`)
  );
  assertEquals(wrong, []);
});

Deno.test("JSR is named in deno.jsr.json alone", () => {
  const wrong = FILES.flatMap((file) =>
    importsOf(file).filter(({ specifier }) => specifier.startsWith("jsr:"))
      .map(({ line }) => `${file.path}:${line}`)
  );
  const configs = ["deno.json", "deno.lock"].filter((name) =>
    Deno.readTextFileSync(join(ROOT, name)).includes("jsr:")
  );
  assertEquals([...wrong, ...configs], []);
});

Deno.test("nothing is a default export but the lint plugin", () => {
  const files = FILES.filter(({ path }) => path !== "tools/lint_plugin.ts");
  assertEquals(findAll(files, /^export\s+(default\b|\{[^}]*\bas default\b).*$/gm), []);
});

Deno.test("no import hides in a function, but those of the commands by literals", () => {
  const commands = SHIPPED.filter(({ path }) => path === "src/cli/commands.ts");
  const others = SHIPPED.filter(({ path }) => path !== "src/cli/commands.ts");
  assertEquals(findAll(others, /(?<![.\w$#])import\s*\(.*$/gm), []);
  const all = findAll(commands, /(?<![.\w$#])import\s*\(/g).length;
  assertEquals(findAll(commands, /\(await import\("\.\/\w+\.ts" as string\)\)/g).length, all);
});

Deno.test("workers are started in src/worker/spawn.ts alone, by literals that compile finds", () => {
  const files = SHIPPED.filter(({ path }) => path !== "src/worker/spawn.ts");
  assertEquals(findAll(files, /new Worker\(.*$/gm), []);
  const spawn = SHIPPED.find(({ path }) => path === "src/worker/spawn.ts")!;
  const literal =
    /new Worker\(new URL\("(\.\.\/\.\.\/workers\/\w+\.ts)", import\.meta\.url\), \{ type: "module" \}\)/g;
  const started = [...spawn.text.matchAll(literal)].map(([, url]) => url.slice("../../".length));
  assertEquals(started.length, findAll([spawn], /new Worker\(/g).length, "every one is a literal");
  const entries = SHIPPED.filter(({ path }) => path.startsWith("workers/")).map(({ path }) => path);
  assertEquals(started.toSorted(), entries.toSorted(), "and every entry is started");
});

Deno.test("commands are named by src/base/command_line.ts, which knows what a person can type", () => {
  const files = FILES.filter(({ path }) =>
    path.startsWith("src/") && path !== "src/base/command_line.ts"
  );
  assertEquals(findAll(files, /\b(deno(@\S+)? (task|run|install)|chibibooru [a-z]+)\b.*/g), []);
});

Deno.test("what is left to do has a number, and nothing is left broken", () => {
  // Put together, so that this file does not find itself.
  const pattern = new RegExp(
    `\\b(${"TO"}${"DO"}(?!\\(#\\d+\\):)|${"FIX"}${"ME"}|${"XX"}${"X"})\\b`,
  );
  const wrong = FILES.flatMap(({ path, lines }) =>
    lines.flatMap((line, i) => pattern.test(line) ? [`${path}:${i + 1} ${line.trim()}`] : [])
  );
  assertEquals(wrong, []);
});

Deno.test("no error is swallowed by an empty catch", () => {
  const wrong = FILES.flatMap(({ path, text }) =>
    [...text.matchAll(/\bcatch\s*(\([^)]*\)\s*)?\{\s*\}/g)].map((match) =>
      `${path}:${lineOf(text, match.index)}`
    )
  );
  assertEquals(wrong, []);
});

Deno.test("no test is skipped and none runs alone", () => {
  const tests = FILES.filter(({ path }) => path.startsWith("tests/"));
  assertEquals(findAll(tests, /\bDeno\.test\.(ignore|only)\b|\b(ignore|only):\s*true\b/g), []);
});

/** Lines of code: neither blank nor comment. */
function codeLines(text: string): number {
  return withoutComments(text).split("\n").filter((line) => line.trim() !== "").length;
}

Deno.test(`files have at most ${LINES_MAX} lines of code, main.ts at most ${MAIN_LINES_MAX}`, () => {
  const wrong = FILES.flatMap(({ path, text }) => {
    const isTest = path.startsWith("tests/");
    const max = path === "main.ts" ? MAIN_LINES_MAX : isTest ? TEST_LINES_MAX : LINES_MAX;
    const count = codeLines(text);
    return count > max ? [`${path}:1 has ${count} lines`] : [];
  });
  assertEquals(wrong, []);
});

/**
 * Functions and methods with their lengths. The formatter puts the closing brace at the indentation of
 * the line that the declaration begins with, which is all that is needed to find it.
 */
function* functionsOf({ path, text }: SourceFile): Generator<{ place: string; count: number }> {
  const lines = withoutComments(text).split("\n");
  // Methods stand in a class, so a call at the margin is none.
  const declaration =
    /^(\s*)(?:export )?(?:(?:async )?function\*?\s+\w+|(?<=\s)(?:static |override |async |get |set |\*)*#?\w+(?:<.*>)?\()/;
  for (const [start, line] of lines.entries()) {
    const match = declaration.exec(line);
    const isBlock = match !== null && !/^\s*(if|for|while|switch|return|catch|await)\b/.test(line);
    if (!isBlock) continue;
    const indentation = match[1];
    const isEnd = (other: string) => other.startsWith(`${indentation}}`);
    const isOutside = (other: string) =>
      other.trim() !== "" && !other.startsWith(`${indentation} `) &&
      !other.startsWith(`${indentation})`) && !isEnd(other);
    const rest = lines.slice(start + 1);
    const end = rest.findIndex((other) => isEnd(other) || isOutside(other));
    if (end < 0 || !isEnd(rest[end])) continue;
    const body = lines.slice(start, start + end + 2).filter((line) => line.trim() !== "");
    yield { place: `${path}:${start + 1}`, count: body.length };
  }
}

Deno.test(`functions have at most ${FUNCTION_LINES_MAX} lines`, () => {
  const files = FILES.filter(({ path }) => !path.startsWith("tests/"));
  const measured = files.flatMap((file) => [...functionsOf(file)]);
  assert(measured.length > 300, `only ${measured.length} functions were found: the scan is broken`);
  const wrong = measured.filter(({ count }) => count > FUNCTION_LINES_MAX);
  assertEquals(wrong.map(({ place, count }) => `${place} has ${count} lines`), []);
});

Deno.test("the scan of functions measures what it should", () => {
  const long = Array.from({ length: 80 }, () => "    work();");
  const text = [
    "export async function one(",
    "  a: number,",
    "): Promise<void> {",
    ...long,
    "}",
    "class Two {",
    "  async *#three(x: string) {",
    ...long,
    "  }",
    "}",
    "const four = call(1);",
    "call(",
    "  5,",
    ");",
  ].join("\n");
  const found = [...functionsOf({ path: "x.ts", text, lines: [] })];
  assertEquals(found.map(({ place, count }) => `${place} ${count}`), ["x.ts:1 84", "x.ts:86 82"]);
});

/** All that some files import, and what that imports in turn; files and packages. */
function reach(entries: readonly string[], follows: (found: Import) => boolean): Set<string> {
  const byPath = new Map(FILES.map((file) => [file.path, file]));
  const reached = new Set<string>();
  const waiting = [...entries];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    const file = byPath.get(path);
    if (file === undefined) continue;
    waiting.push(...importsOf(file).filter(follows).map(({ target }) => target));
  }
  return reached;
}

Deno.test("the core loads neither hono nor sharp, which are for the server and the media worker", () => {
  const packages = (entry: string) =>
    [...reach([entry], ({ isType }) => !isType)].filter((path) =>
      /^npm:\/?(hono|sharp)@/.test(path)
    )
      .map((path) => /(hono|sharp)/.exec(path)![1]);
  assertEquals(packages("src/core.ts"), []);
  assertEquals(
    [...new Set(packages("workers/media.ts"))],
    ["sharp"],
    "the search finds what is there",
  );
  assertEquals([...new Set(packages("src/http/app.tsx"))], ["hono"]);
});

Deno.test("no file of src is dead: each is reached from main.ts, a worker or the core", () => {
  const jsr: Record<string, string> = JSON.parse(
    Deno.readTextFileSync(join(ROOT, "deno.jsr.json")),
  ).imports;
  const bound = [...Object.values(IMPORT_MAP), ...Object.values(jsr)]
    .filter((target) => target.startsWith("./")).map((target) => target.slice(2));
  const entries = FILES.map(({ path }) => path).filter((path) =>
    /^(main\.ts|src\/core\.ts|workers\/.*)$/.test(path)
  );
  const reached = reach([...entries, ...bound], () => true);
  // Scripts for the browser are served, not imported.
  const dead = FILES.map(({ path }) => path)
    .filter((path) => path.startsWith("src/") && !path.startsWith("src/http/assets/"))
    .filter((path) => !reached.has(path));
  assertEquals(dead.map((path) => `${relative(".", path)}:1 is imported from nowhere`), []);
});
