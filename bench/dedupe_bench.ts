/**
 * Duplicates found by the whole command, against `jdupes` and `md5sum` of Debian on the same tree, warm.
 *
 * First run: nothing is known of any file. Second run: after one that remembered hashes. Deno's start, the
 * walk and the report count. All three must name the same duplicates.
 *
 *   deno task bench dedupe [FILES [ROUNDS]]
 */
import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { type FileTree, makeFileTree } from "./support/file_tree.ts";
import { recordResult } from "./support/results.ts";
import { median, round, toMarkdownTable } from "./support/statistics.ts";

const FILES_DEFAULT = 20_000;
const ROUNDS_DEFAULT = 7;
const SEED = 4;
const PROJECT = new URL("..", import.meta.url).pathname;

/** Runs a command to its end; gives what it printed and how long it took as a whole, in seconds. */
async function time(
  program: string,
  args: readonly string[],
): Promise<{ stdout: string; seconds: number }> {
  const startedAt = performance.now();
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    cwd: PROJECT,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const seconds = (performance.now() - startedAt) / 1_000;
  const decoder = new TextDecoder();
  if (code !== 0) throw new Error(`${program} ${args.join(" ")}: ${decoder.decode(stderr)}`);
  return { stdout: decoder.decode(stdout), seconds };
}

/** The command as `deno task dedupe` runs it. */
function runOurs(library: string, ...options: string[]) {
  return time(Deno.execPath(), [
    ...["run", "--quiet", "--no-prompt", "-P=manage", "main.ts", "dedupe"],
    ...["--library", library, "--json", ...options],
  ]);
}

/** Sets of files as one text each, sorted, so that they can be compared. */
type Sets = string[];

function toSets(groups: readonly (readonly string[])[]): Sets {
  return groups.filter((group) => group.length > 1).map((group) => group.toSorted().join("\n"))
    .sort();
}

function readOurs(stdout: string): Sets {
  const report = JSON.parse(stdout) as {
    groups: { kept: string; copies: { filepath: string }[] }[];
  };
  return toSets(report.groups.map(({ kept, copies }) => [kept, ...copies.map((c) => c.filepath)]));
}

function readJdupes(stdout: string, images: string): Sets {
  const strip = (path: string) => path.slice(images.length + 1);
  return toSets(stdout.trim().split("\n\n").map((group) => group.split("\n").map(strip)));
}

function readMd5sum(stdout: string, images: string): Sets {
  const byMd5 = new Map<string, string[]>();
  for (const line of stdout.trim().split("\n")) {
    const [md5, path] = [line.slice(0, 32), line.slice(34)];
    byMd5.set(md5, [...byMd5.get(md5) ?? [], path.slice(images.length + 1)]);
  }
  return toSets([...byMd5.values()]);
}

async function main(files: number, rounds: number): Promise<void> {
  const library = await Deno.makeTempDir({ prefix: "chibibooru_bench_" });
  try {
    const images = join(library, "images");
    console.log(`Writing ${files} files…`);
    await makeEmptyLibrary(library);
    const tree = await makeFileTree(images, { files, seed: SEED });
    const sides = {
      md5sum: () => time("sh", ["-c", 'find "$0" -type f -print0 | xargs -0 md5sum', images]),
      jdupes: () => time("jdupes", ["-r", "-q", images]),
      first: () => runOurs(library),
    };
    const first = await measure(sides, rounds);
    const expected = readMd5sum(first.answers.md5sum, images);
    assertEquals(readJdupes(first.answers.jdupes, images), expected, "jdupes agrees with md5sum");
    assertEquals(readOurs(first.answers.first), expected, "we agree with md5sum");
    await runOurs(library, "--remember");
    const second = await measure(
      { jdupes: sides.jdupes, second: () => runOurs(library) },
      rounds,
    );
    assertEquals(readOurs(second.answers.second), expected, "what is remembered says the same");
    await report(tree, { first: first.seconds, second: second.seconds, rounds });
  } finally {
    await Deno.remove(library, { recursive: true });
  }
}

/** Lets the import make the library, from a folder without a picture. */
async function makeEmptyLibrary(library: string): Promise<void> {
  const nothing = await Deno.makeTempDir({ prefix: "chibibooru_bench_" });
  await time(Deno.execPath(), [
    ...["run", "--quiet", "--no-prompt", "-P=manage", "main.ts", "import", nothing],
    ...["--library", library, "--json"],
  ]);
  await Deno.remove(nothing);
}

/** Runs all sides in turn, so that the machine's moods meet all of them; the first round only warms. */
async function measure<K extends string>(
  sides: Record<K, () => Promise<{ stdout: string; seconds: number }>>,
  rounds: number,
): Promise<{ answers: Record<K, string>; seconds: Record<K, number[]> }> {
  const names = Object.keys(sides) as K[];
  const answers = {} as Record<K, string>;
  const seconds = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<
    K,
    number[]
  >;
  for (let i = 0; i <= rounds; i++) {
    console.log(i === 0 ? "Warming…" : `Round ${i} of ${rounds}…`);
    for (const name of names) {
      const run = await sides[name]();
      answers[name] = run.stdout;
      if (i > 0) seconds[name].push(run.seconds);
    }
  }
  return { answers, seconds };
}

async function report(
  tree: FileTree,
  runs: {
    first: Record<"md5sum" | "jdupes" | "first", number[]>;
    second: Record<"jdupes" | "second", number[]>;
    rounds: number;
  },
): Promise<void> {
  const { first, second } = runs;
  const ratio = (ours: number[], theirs: number[]) =>
    round(median(ours.map((seconds, i) => seconds / theirs[i])), 3);
  const figures = {
    ...tree,
    rounds: runs.rounds,
    seconds: {
      md5sum: round(median(first.md5sum), 3),
      jdupes: round(median(first.jdupes), 3),
      first: round(median(first.first), 3),
      second: round(median(second.second), 3),
    },
    firstByMd5sum: ratio(first.first, first.md5sum),
    firstByJdupes: ratio(first.first, first.jdupes),
    secondByJdupes: ratio(second.second, second.jdupes),
  };
  console.log(toMarkdownTable([
    ["command", "seconds", "by md5sum", "by jdupes"],
    ["md5sum", figures.seconds.md5sum, 1, ""],
    ["jdupes -r", figures.seconds.jdupes, "", 1],
    ["dedupe, first run", figures.seconds.first, figures.firstByMd5sum, figures.firstByJdupes],
    ["dedupe, second run", figures.seconds.second, "", figures.secondByJdupes],
  ]));
  await recordResult("dedupe", figures);
}

if (import.meta.main) {
  const [files = FILES_DEFAULT, rounds = ROUNDS_DEFAULT] = Deno.args.map(Number);
  await main(files, rounds);
}
