import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Buffer } from "node:buffer";
import denoConfig from "../../deno.json" with { type: "json" };
import {
  BINARY_PERMISSIONS,
  buildCompileArguments,
  INCLUDED,
} from "../../tools/compile/compile_arguments.ts";
import { withTempDir } from "../support/temp.ts";
import { fullTierTest } from "../support/tier.ts";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));
const TOOL = `${PROJECT}tools/compile.ts`;

/** Kinds of permissions that are lists of names or true. */
type Permissions = Record<string, boolean | string[]>;
const SETS = denoConfig.permissions as Record<string, Permissions>;

/** Runs the tool as its task does, with DENORT_BIN as `env` has it; `prefix` is put before the command line. */
async function runTool(
  args: readonly string[],
  options: { env?: Record<string, string>; prefix?: readonly string[] } = {},
) {
  const [program, ...rest] = [
    ...["env", "-u", "DENORT_BIN"],
    ...Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}`),
    ...options.prefix ?? [],
    Deno.execPath(),
    ...["run", "--quiet", "--no-prompt", "--config", `${PROJECT}deno.json`, "-P=release", TOOL],
    ...args,
  ];
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: rest,
    cwd: PROJECT,
    env: { NO_COLOR: "1", RUST_BACKTRACE: "0" },
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, stdout: out, stderr: err };
}

/** Every file below a folder of the project, relative to the project. */
function listFiles(folder: string): string[] {
  return [...Deno.readDirSync(join(PROJECT, folder))].flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory ? listFiles(path) : [path];
  });
}

/** Everything that the sources name by URL or import late, as paths; a part that is put in is a star. */
function findLateFiles(): string[] {
  const files = ["main.ts", ...listFiles("src"), ...listFiles("workers")];
  return files.filter((path) => /\.tsx?$/.test(path)).flatMap((path) => {
    const text = Deno.readTextFileSync(join(PROJECT, path));
    const named = text.matchAll(
      /new URL\(\s*(["`])([^"`]+)\1,\s*import\.meta\.url|\bimport\(\s*(["`])([^"`]+)\3/g,
    );
    return [...named].map((match) =>
      join(path, "..", (match[2] ?? match[4]).replace(/\$\{[^}]*\}/, "*"))
    );
  });
}

Deno.test("buildCompileArguments() includes all that is imported late, started or read by URL", () => {
  const args = buildCompileArguments({ output: "out", target: null, excluded: [] });
  const late = findLateFiles();
  for (const path of ["src/cli/serve.ts", "workers/media.ts", "src/http/assets/*"]) {
    assert(late.includes(path), `${path} is not among ${late.join(", ")}`);
  }
  const missing = late.filter((path) => !INCLUDED.some((folder) => path.startsWith(`${folder}/`)));
  assertEquals(missing, []);
  assertEquals(INCLUDED.filter((folder) => !args.includes(`--include=${folder}`)), []);
});

Deno.test("buildCompileArguments() passes the target, and leaves out what it is told to", () => {
  const target = "aarch64-apple-darwin";
  const args = buildCompileArguments({
    output: "/a b/out",
    target,
    excluded: ["/npm/x", "/npm/y"],
  });
  for (const arg of [`--target=${target}`, "--exclude=/npm/x", "--exclude=/npm/y"]) {
    assert(args.includes(arg), arg);
  }
  assertEquals(args.slice(-2), ["--output=/a b/out", "main.ts"]);
  const plain = buildCompileArguments({ output: "out", target: null, excluded: [] });
  assertEquals(plain.filter((arg) => /^--(target|exclude=)/.test(arg)), []);
  assert(plain.includes(`--permission-set=${BINARY_PERMISSIONS}`) && plain.includes("--no-prompt"));
});

Deno.test("a binary may do what serve, manage or doctor may, and no more but FFI where it unpacks itself", () => {
  const { ffi, ...binary } = SETS[BINARY_PERMISSIONS];
  const union: Record<string, true | Set<string>> = {};
  for (const set of ["serve", "manage", "doctor"].map((name) => SETS[name])) {
    for (const [kind, value] of Object.entries(set)) {
      if (kind === "ffi") assertEquals(value, ["./node_modules"]);
      else if (typeof value === "boolean") union[kind] = true;
      else union[kind] = new Set([...(union[kind] as Set<string>) ?? [], ...value]);
    }
  }
  // Where a task or the packaged file says where the user is; a binary is there.
  assert((union.env as Set<string>).delete("INIT_CWD"));
  const sorted = Object.entries(union).map(([kind, value]) => [
    kind,
    value === true ? true : [...value].sort(),
  ]);
  const actual = Object.entries(binary).map(([kind, value]) => [
    kind,
    Array.isArray(value) ? value.toSorted() : value,
  ]);
  assertEquals(Object.fromEntries(actual), Object.fromEntries(sorted));
  assertEquals(ffi, true, "the path is known to nobody when the binary is made");
});

fullTierTest(
  "compile without a network says in one line what to do, and ends with code 3",
  async () => {
    await withTempDir(async (dir) => {
      const out = join(dir, "dist/chibibooru");
      const env = { DENO_DIR: join(dir, "deno") };
      const ended = await runTool(["--out", out], { env, prefix: ["unshare", "-rn"] });
      assertEquals([ended.code, ended.stdout], [3, ""], ended.stderr);
      assertEquals(ended.stderr.trimEnd().split("\n").length, 1, ended.stderr);
      for (const text of ["DENORT_BIN", `/v${Deno.version.deno}/denort-`, "deno task package"]) {
        assertStringIncludes(ended.stderr, text);
      }
      assertEquals([...Deno.readDirSync(dir)].map(({ name }) => name), ["deno"], "nothing is made");
    });
  },
);

Deno.test("compile tells a DENORT_BIN that is none in one line, with code 3", async () => {
  await withTempDir(async (dir) => {
    const cases: [named: string, why: string][] = [
      [join(dir, "nothing"), "does not exist"],
      [dir, "is no file"],
      ["", "is set to nothing"],
      [Deno.execPath(), "is the whole of Deno"],
    ];
    const args = ["--out", join(dir, "chibibooru")];
    const answers = await Promise.all(
      cases.map(([named]) => runTool(args, { env: { DENORT_BIN: named } })),
    );
    for (const [i, { code, stdout, stderr }] of answers.entries()) {
      assertEquals([code, stdout], [3, ""], stderr);
      assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
      for (const text of [...cases[i], "Set DENORT_BIN", "deno task package"]) {
        assertStringIncludes(stderr, text);
      }
    }
    assertEquals([...Deno.readDirSync(dir)], []);
  });
});

Deno.test("compile tells an unknown option with code 2, and shows what deno compile says with code 1", async () => {
  const usage = await runTool(["--nothing"]);
  assertEquals([usage.code, usage.stdout], [2, ""]);
  assertStringIncludes(usage.stderr, "--nothing");
  assertStringIncludes(usage.stderr, "--out");
  const other = await runTool(["--target", "amiga"], { env: { DENORT_BIN: "/bin/true" } });
  assertEquals([other.code, other.stdout], [1, ""]);
  assertStringIncludes(other.stderr, "invalid value 'amiga' for '--target'");
});

Deno.test("compile --help says what it takes", async () => {
  const { code, stdout, stderr } = await runTool(["--help"]);
  assertEquals([code, stderr], [0, ""]);
  for (const text of ["--out", "--target", "DENORT_BIN"]) assertStringIncludes(stdout, text);
});

/** sharp's libraries for this system, as the lock file has them. */
function listNativeFiles(): string[] {
  const lock: { npm: Record<string, unknown> } = JSON.parse(
    Deno.readTextFileSync(join(PROJECT, "deno.lock")),
  );
  const installed = new Set(
    [...Deno.readDirSync(join(PROJECT, "node_modules/.deno"))].map(({ name }) => name),
  );
  return Object.keys(lock.npm)
    .filter((key) => key.startsWith("@img/sharp-") && !key.includes("linuxmusl"))
    .map((key) => key.replace("/", "+"))
    .filter((name) => installed.has(name))
    .flatMap((name) => listFiles(`node_modules/.deno/${name}`))
    .filter((path) => /\.(node|dll|dylib)$|\.so\.[0-9.]+$/.test(path));
}

/** What `deno compile` tells denort, and the bytes behind it, which are the embedded files. */
function readEmbedded(path: string): { metadata: Metadata; files: Buffer } {
  const bytes = Buffer.from(Deno.readFileSync(path).buffer);
  for (let at = bytes.indexOf(MAGIC); at >= 0; at = bytes.indexOf(MAGIC, at + 1)) {
    const start = at + MAGIC.length + 8;
    const sizeBytes = Number(bytes.readBigUInt64LE(at + MAGIC.length));
    if (sizeBytes > 1_000_000 || bytes[start] !== "{".charCodeAt(0)) continue;
    const metadata = JSON.parse(bytes.toString("utf8", start, start + sizeBytes));
    return { metadata, files: bytes.subarray(start + sizeBytes) };
  }
  throw new Error("Nothing is embedded");
}

const MAGIC = "d3n0l4nd";
type Metadata = {
  permissions: Record<string, unknown>;
  self_extracting: string | null;
  log_level: string;
  entrypoint_key: string;
};

/** Whether a whole file is among some bytes; to look for its beginning first is many times as fast. */
function includesFile(bytes: Buffer, path: string): boolean {
  const content = Deno.readFileSync(path);
  const beginning = content.subarray(0, 4096);
  for (let at = bytes.indexOf(beginning); at >= 0; at = bytes.indexOf(beginning, at + 1)) {
    if (bytes.subarray(at, at + content.length).equals(content)) return true;
  }
  return false;
}

fullTierTest(
  "deno compile embeds workers, commands, assets, sharp's native parts and the permissions",
  async () => {
    await withTempDir(async (dir) => {
      const output = join(dir, "chibibooru");
      // On the whole of Deno, the file opens a prompt instead of the program: it is only looked at.
      const { success, stderr } = await new Deno.Command(Deno.execPath(), {
        args: buildCompileArguments({ output, target: null, excluded: [] }),
        cwd: PROJECT,
        env: { NO_COLOR: "1", DENORT_BIN: Deno.execPath() },
      }).output();
      assert(success, new TextDecoder().decode(stderr));
      const { metadata, files: embedded } = readEmbedded(output);

      const { permissions, self_extracting, log_level, entrypoint_key } = metadata;
      const { ffi: _ffi, ...expected } = SETS[BINARY_PERMISSIONS];
      for (const [kind, value] of Object.entries(expected)) {
        // To be allowed everything of a kind is an empty list.
        assertEquals(permissions[`allow_${kind}`], value === true ? [] : value, kind);
      }
      assertEquals([permissions.allow_ffi, permissions.prompt], [[], false]);
      assertEquals([entrypoint_key, log_level], ["main.ts", "ERROR"]);
      assert(self_extracting !== null);

      const sharp = listNativeFiles();
      assert(sharp.length >= 2, `sharp's own library and libvips: ${sharp}`);
      const files = [
        "main.ts",
        ...["src/cli", "workers", "src/http/assets"].flatMap(listFiles),
        ...sharp,
      ];
      assert(files.length > 30, "the lists are not empty");
      assertEquals(files.filter((path) => !includesFile(embedded, join(PROJECT, path))), []);
      const unused = ["playwright-core", "@cyclonedx/cyclonedx-library"]
        .map((name) => join(PROJECT, `node_modules/${name}/package.json`));
      assertEquals(unused.filter((path) => includesFile(embedded, path)), [], "they are for tests");
    });
  },
);

fullTierTest("compile does not give out a binary that is not ChibiBooru", async () => {
  await withTempDir(async (dir) => {
    const denort = join(dir, "denort");
    await Deno.copyFile("/bin/true", denort);
    const args = ["--out", join(dir, "dist/chibibooru")];
    const { code, stderr } = await runTool(args, { env: { DENORT_BIN: denort } });
    assertEquals(code, 1, stderr);
    assertStringIncludes(stderr, "does not start ChibiBooru");
    assertEquals([...Deno.readDirSync(join(dir, "dist"))], []);
  });
});
