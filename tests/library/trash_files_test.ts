import { assertEquals, assertRejects } from "@std/assert";
import { dirname, join } from "node:path";
import { AppError } from "../../src/base/errors.ts";
import { moveFile, type MoveTools } from "../../src/library/trash_files.ts";
import { haveSameBytes } from "../../src/media/compare.ts";
import { bytesOf, failing, md5Of, put, treeOf } from "../support/copies.ts";
import { withTempDir } from "../support/temp.ts";

/** Calls that write down what is done to which path of a folder, and what is synced. */
function recording(folder: string, names: Parameters<typeof failing>) {
  const log: string[] = [];
  const short = (path: string | URL) => {
    const inner = String(path).slice(folder.length + 1);
    return inner.replace(/\.moving-[0-9a-f]+/, "temporary");
  };
  const calls = failing(...names);
  const noted = Object.fromEntries(
    (["copyFile", "link", "remove", "rename"] as const).map((name) => [
      name,
      async (...paths: [string, string]) => {
        await (calls[name] as (...paths: string[]) => Promise<void>)(...paths);
        log.push([name, ...paths.map(short)].join(" "));
      },
    ]),
  );
  const open = async (path: string | URL, options?: Deno.OpenOptions) => {
    const file = await Deno.open(path, options);
    const sync = file.sync.bind(file);
    return Object.assign(file, {
      sync: async () => {
        await sync();
        log.push(`sync ${short(path)}`);
      },
    });
  };
  return { log, calls: { ...calls, ...noted, open } };
}

const hasher = {
  call: (_: string, { left, right }: { left: string; right: string }) =>
    Promise.resolve({ isSame: haveSameBytes(left, right) }),
} as unknown as MoveTools["hasher"];

function isVisible(path: string): boolean {
  return !/\/\.[^/]*$/.test(path);
}

Deno.test("moveFile() removes the old name only when the new one is on the disk", async () => {
  await withTempDir(async (temp) => {
    const folder = await Deno.realPath(temp);
    const ways: [what: string, names: Parameters<typeof failing>, expected: string[]][] = [
      ["linked", [[]], ["link a/x b/x", "sync b", "remove a/x", "sync a"]],
      ["renamed", [["link"], { code: "EPERM" }], ["rename a/x b/x", "sync b"]],
      ["copied", [["link", "rename"], { code: "EXDEV", isFailing: isVisible }], [
        "copyFile a/x b/temporary",
        "sync b/temporary",
        "link b/temporary b/x",
        "remove b/temporary",
        "sync b",
        "remove a/x",
        "sync a",
      ]],
      ["copied before", [[]], ["sync b/x", "sync b", "remove a/x", "sync a"]],
    ];
    for (const [what, names, expected] of ways) {
      await Deno.remove(join(folder, "b"), { recursive: true }).catch(() => {});
      await Deno.mkdir(join(folder, "b"));
      const from = await put(folder, "a/x", bytesOf(1));
      const to = join(folder, "b/x");
      if (what === "copied before") await Deno.copyFile(from, to);
      const { log, calls } = recording(folder, names);
      assertEquals(await moveFile(from, to, { hasher, calls, md5: md5Of(bytesOf(1)) }), "moved");
      assertEquals(log, expected, what);
      assertEquals(await treeOf(folder), { "b/x": md5Of(bytesOf(1)) }, what);
    }
  });
});

Deno.test("moveFile() leaves a file whose copy on another device is not the same", async () => {
  await withTempDir(async (temp) => {
    const folder = await Deno.realPath(temp);
    const from = await put(folder, "a/x", bytesOf(1));
    const to = join(folder, "b/x");
    const names = [["link", "rename"], { code: "EXDEV", isFailing: isVisible }] as const;
    const broken: ((path: string) => Promise<void>)[] = [
      (path) => Deno.writeFile(path, bytesOf(7)),
      (path) => Deno.writeFile(path, bytesOf(1).subarray(1)),
      // The source changes with its copy: they are equal, and not what was to be moved.
      (path) => Deno.writeFile(path, bytesOf(7)).then(() => Deno.writeFile(from, bytesOf(7))),
    ];
    for (const breakIt of broken) {
      const calls = {
        ...failing([...names[0]], names[1]),
        copyFile: async (_: string | URL, path: string | URL) => await breakIt(String(path)),
      };
      const error = await assertRejects(
        () => moveFile(from, to, { hasher, calls, md5: md5Of(bytesOf(1)) }),
        AppError,
      );
      assertEquals(error.code, "conflict");
      assertEquals(Object.keys(await treeOf(folder)), [join("a", "x")]);
    }
    assertEquals(await treeOf(dirname(to)), {});
  });
});
