import type { Database } from "@db/sqlite";
import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { buildLibrary, openDatabase } from "../support/library_builder.ts";
import { isFullTier } from "../support/tier.ts";
import { makeTempFolder, readTree, runToEnd } from "./server_support.ts";

/** A start that is refused: what makes it so, and what the message must name. */
type Refusal = {
  name: string;
  /** Makes the library; what it gives is disposed when the server has ended. */
  prepare: (library: string) => Promise<Disposable | AsyncDisposable | void>;
  /** Thing and remedy, as a person reads them. */
  message: RegExp[];
  args?: (library: string) => string[];
};

async function withDatabase(library: string, write: (path: string) => void | Promise<void>) {
  await Deno.mkdir(join(library, "data"), { recursive: true });
  await write(join(library, "data", "booru.db"));
}

function build(path: string): void {
  buildLibrary(path, { images: [{ tags: ["a"] }, { tags: ["b"] }] });
}

/** Changes a database with a connection that leaves no other files. */
function change(path: string, work: (db: Database) => void): void {
  const db = openDatabase(path);
  try {
    work(db);
    db.exec("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE");
  } finally {
    db.close();
  }
}

/**
 * Takes the exclusive lock of a database until it is disposed. In a process of its own: a process that
 * opens and closes the file, as this one does to compare bytes, loses its locks on it.
 */
async function lock(path: string): Promise<AsyncDisposable> {
  const shell = new Deno.Command("sqlite3", {
    args: [path],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = shell.stdin.getWriter();
  await writer.write(new TextEncoder().encode("BEGIN EXCLUSIVE; SELECT 'locked';\n"));
  const reader = shell.stdout.getReader();
  await reader.read();
  return {
    [Symbol.asyncDispose]: async () => {
      await writer.close();
      await reader.cancel();
      await shell.status;
    },
  };
}

/** Library → the port that its server is to find in use. */
const taken = new Map<string, number>();

function takePort(library: string): Disposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  taken.set(library, listener.addr.port);
  return listener;
}

const REFUSALS: Refusal[] = [
  {
    name: "port in use, and a library that would be migrated",
    prepare: async (library) => {
      await withDatabase(library, (path) => {
        build(path);
        change(path, () => {});
      });
      return takePort(library);
    },
    args: (library) => ["--port", String(taken.get(library))],
    message: [/127\.0\.0\.1:\d+/, /port is in use/, /--port/],
  },
  {
    name: "port in use, and no library yet",
    prepare: (library) => Promise.resolve(takePort(library)),
    args: (library) => ["--port", String(taken.get(library))],
    message: [/port is in use/, /--port/],
  },
  {
    name: "a database of a newer version",
    prepare: (library) =>
      withDatabase(library, (path) => {
        build(path);
        change(path, (db) => {
          db.exec("CREATE TABLE library_state (key TEXT PRIMARY KEY, value TEXT NOT NULL)");
          db.exec("INSERT INTO library_state VALUES ('schema_version', '999')");
        });
      }),
    message: [/booru\.db/, /999/, /newer|backup/i],
  },
  {
    name: "random bytes as the database",
    prepare: (library) =>
      withDatabase(
        library,
        (path) => Deno.writeFile(path, crypto.getRandomValues(new Uint8Array(20_000))),
      ),
    message: [/booru\.db/, /not a database/i, /backup|\.recover/],
  },
  {
    name: "a database whose pages are damaged",
    prepare: (library) =>
      withDatabase(library, async (path) => {
        build(path);
        change(path, () => {});
        const bytes = await Deno.readFile(path);
        bytes.fill(0xa5, 100, 4_000);
        await Deno.writeFile(path, bytes);
      }),
    message: [/booru\.db/, /malformed|corrupt|not a database/i, /backup|\.recover/],
  },
  {
    name: "a database that was cut off",
    prepare: (library) =>
      withDatabase(library, async (path) => {
        build(path);
        change(path, () => {});
        const { size } = await Deno.stat(path);
        await Deno.truncate(path, Math.floor(size / 2));
      }),
    message: [/booru\.db/, /malformed|corrupt/i, /backup|\.recover/],
  },
  {
    name: "a database of another program",
    prepare: (library) =>
      withDatabase(library, (path) => change(path, (db) => db.exec("CREATE TABLE x (y)"))),
    message: [/booru\.db/, /no ChibiBooru database/, /--library/],
  },
  {
    name: "a folder as the database",
    prepare: (library) =>
      Deno.mkdir(join(library, "data", "booru.db"), { recursive: true }).then(() => {}),
    message: [/booru\.db/],
  },
  {
    name: "a folder of pictures as the library",
    prepare: async (library) => {
      await Deno.mkdir(library);
      await Deno.writeTextFile(join(library, "my cat.JPG"), "x");
    },
    message: [/no library in .*library, but pictures are/, /import --in-place/],
  },
  {
    name: "a file as the library",
    prepare: (library) => Deno.writeTextFile(library, "a file"),
    message: [/library/, /--library/],
  },
  ...(isFullTier
    ? [{
      name: "a database that another program has locked",
      prepare: async (library: string) => {
        await withDatabase(library, (path) => {
          build(path);
          change(path, () => {});
        });
        return await lock(join(library, "data", "booru.db"));
      },
      message: [/booru\.db/, /locked/, /[Cc]lose that program|wait/],
    }]
    : []),
];

Deno.test("serve refuses what it cannot serve with code 2, the thing and the remedy, and changes no file", async () => {
  await using folder = await makeTempFolder();
  const failures: string[] = [];
  await Promise.all(REFUSALS.map(async (refusal, i) => {
    const own = join(folder.path, String(i));
    await Deno.mkdir(own);
    const library = join(own, "library");
    await using _held = await refusal.prepare(library) ?? null;
    const before = await readTree(own);
    const args = refusal.args?.(library) ?? ["--port", "0"];
    const { code, stdout, stderr, ms } = await runToEnd("serve", ["--library", library, ...args]);
    const after = await readTree(own);
    const fail = (what: string) => failures.push(`${refusal.name}: ${what}\n${stdout}${stderr}`);
    if (code !== 2) fail(`code ${code}`);
    for (const part of refusal.message) if (!part.test(stderr)) fail(`no ${part}`);
    if (/unexpected error|\bat .*\.ts:\d+/.test(stderr)) fail("a stack");
    if (ms > 12_000) fail(`${ms} ms`);
    for (const [path, bytes] of Object.entries(before)) {
      if (after[path] !== bytes) fail(`${path} changed`);
    }
    const made = Object.keys(after).filter((path) => !(path in before) && !path.endsWith("/"));
    if (made.length > 0) fail(`made ${made.join(", ")}`);
  }));
  assertEquals(failures, [], failures.join("\n"));
});
