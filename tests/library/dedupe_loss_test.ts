import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { scanAndRemoveDuplicates } from "../../src/library/dedupe.ts";
import type { DedupeReport } from "../../src/library/dedupe_report.ts";
import type { Library } from "../../src/library/library.ts";
import { restoreFromTrash, resumeTrash } from "../../src/library/trash.ts";
import { readTrash } from "../../src/store/trash.ts";
import { SAVED_FIELD, SAVED_VERSION } from "../../src/tags/saved_image.ts";
import {
  addImage,
  bytesOf,
  clear,
  failing,
  imagesOf,
  md5Of,
  put,
  treeOf,
} from "../support/copies.ts";
import { rowsOf, tagsOf, withLibrary } from "../support/sample_library.ts";

/** Calls that do something around one of them; the others are the system's. */
function around(
  name: "link" | "remove",
  wanted: { path: string; before?: () => unknown; after?: () => unknown },
) {
  const calls = failing([]);
  const real = calls[name] as (...args: string[]) => Promise<void>;
  return Object.assign(calls, {
    [name]: async (...args: string[]) => {
      const isWanted = args[0] === wanted.path;
      if (isWanted) await wanted.before?.();
      await real(...args);
      if (isWanted) await wanted.after?.();
    },
  });
}

function skippedOf({ skipped }: DedupeReport): string[][] {
  return skipped.map(({ filepath, code }) => [filepath, code]);
}

/** An image with a copy that has a sidecar, both known. */
async function fill(library: Library): Promise<{ a: string; b: string }> {
  const { images } = library.paths;
  await clear(library);
  for (const name of ["a.png", "b.png"]) await addImage(library, name, bytesOf(1));
  await put(images, "b.png.txt", "only_here");
  return { a: join(images, "a.png"), b: join(images, "b.png") };
}

function statesOf(library: Library): string[] {
  return readTrash(library.core.reader, { limit: 9, offset: 0 }).map(({ state }) => state);
}

Deno.test("a copy comes back if its kept file goes while it is moved", async () => {
  await withLibrary(async ({ library }) => {
    const changes: [what: string, change: (path: string) => Promise<unknown>][] = [
      ["removed", (path) => Deno.remove(path)],
      ["other bytes", (path) => Deno.writeFile(path, bytesOf(8))],
      ["other file", async (path) => {
        await put(library.paths.images, "new", bytesOf(8));
        await Deno.rename(join(library.paths.images, "new"), path);
      }],
      ["a folder", async (path) => {
        await Deno.remove(path);
        await Deno.mkdir(path);
      }],
    ];
    for (const [what, change] of changes) {
      for (const moment of ["before", "after"] as const) {
        const { a, b } = await fill(library);
        // As where one folder is shown by two file systems: what takes the one name takes the other.
        const name = moment === "before" ? "link" : "remove";
        const calls = around(name, { path: b, [moment]: () => change(a) });
        const report = await scanAndRemoveDuplicates(library, { dryRun: false, calls });
        const label = `${what}, ${moment}`;
        assertEquals(skippedOf(report), [["b.png", "not_moved"]], label);
        assertEquals(md5Of(await Deno.readFile(b)), md5Of(bytesOf(1)), label);
        assertEquals(await Deno.readTextFile(`${b}.txt`), "only_here", label);
        assertEquals([statesOf(library), await treeOf(library.paths.trash)], [[], {}], label);
        assertEquals(imagesOf(library), { "a.png": ["a.png", "b.png"] }, label);
      }
    }
  });
});

Deno.test("a copy is not touched once it, or its kept file, is not what it was", async () => {
  await withLibrary(async ({ library }) => {
    const cases: [after: "compareFiles" | "takeCopies", name: string, code: string][] = [
      ["compareFiles", "a.png", "changed"],
      ["compareFiles", "b.png", "changed"],
      ["takeCopies", "a.png", "not_moved"],
      ["takeCopies", "b.png", "not_moved"],
    ];
    for (const [after, name, code] of cases) {
      await fill(library);
      const worker = after === "compareFiles" ? library.hasher : library.writer;
      const call = worker.call;
      const changing = async (method: string, request: unknown) => {
        const answer = await (call as (...args: unknown[]) => Promise<unknown>)
          .call(worker, method, request);
        if (method === after) {
          Object.assign(worker, { call });
          await Deno.writeFile(join(library.paths.images, name), bytesOf(8));
        }
        return answer;
      };
      Object.assign(worker, { call: changing });
      const calls = failing(["link", "rename"], { isFailing: (path) => /\/b\.png$/.test(path) });
      const report = await scanAndRemoveDuplicates(library, { dryRun: false, calls });
      assertEquals(skippedOf(report), [["b.png", code]], `${after} ${name}`);
      // It was not even tried: that would fail with another reason.
      assert(/changed|is not what it was/.test(report.skipped[0].reason), report.skipped[0].reason);
      assertEquals(imagesOf(library), { "a.png": ["a.png", "b.png"] });
    }
  });
});

Deno.test("a copy is on its way until it is moved, and what came instead of it goes back", async () => {
  await withLibrary(async ({ library }) => {
    const { b } = await fill(library);
    const states: string[][] = [];
    const calls = failing([]);
    const change = async (from: string | URL, to: string | URL) => {
      states.push(statesOf(library));
      await Deno.writeFile(b, bytesOf(8));
      await Deno.rename(from, to);
    };
    // The manifest is written between the last look at the copy and its move.
    const report = await scanAndRemoveDuplicates(library, {
      dryRun: false,
      calls: { ...calls, rename: change },
    });
    assertEquals(states, [["moving"]]);
    assertEquals(skippedOf(report), [["b.png", "not_moved"]]);
    assertEquals(md5Of(await Deno.readFile(b)), md5Of(bytesOf(8)));
    assertEquals([statesOf(library), await treeOf(library.paths.trash)], [[], {}]);
  });
});

Deno.test("resumeTrash() compares once more what does not look as it was compared", async () => {
  await withLibrary(async ({ library }) => {
    const changes: [what: string, change: (path: string) => Promise<unknown>, boolean][] = [
      ["touched", (path) => Deno.utime(path, 1, 1), true],
      ["other bytes", (path) => Deno.writeFile(path, bytesOf(8)), false],
      ["removed", (path) => Deno.remove(path), false],
    ];
    for (const [what, change, isFinished] of changes) {
      for (const isLinked of [false, true]) {
        const { a, b } = await fill(library);
        const { writer } = library;
        const call = writer.call;
        const stopping = async (method: string, request: unknown) => {
          const answer = await (call as (...args: unknown[]) => Promise<unknown>)
            .call(writer, method, request);
          if (method === "takeCopies") throw new Error("killed");
          return answer;
        };
        Object.assign(writer, { call: stopping });
        await scanAndRemoveDuplicates(library, { dryRun: false }).catch(() => {});
        Object.assign(writer, { call });
        const [{ manifest }] = readTrash(library.core.reader, { limit: 9, offset: 0 });
        if (isLinked) {
          await Deno.mkdir(join(library.paths.trash, manifest.folder));
          await Deno.link(b, join(library.paths.trash, manifest.files[0].trashed!));
        }
        await change(a);
        await resumeTrash(library);
        const label = `${what}, ${isLinked}`;
        assertEquals(statesOf(library), isFinished ? ["trashed"] : [], label);
        const tree = await treeOf(library.paths.images);
        assertEquals(tree["b.png"], isFinished ? undefined : md5Of(bytesOf(1)), label);
      }
    }
  });
});

Deno.test("a kept file is on the disk before its copy is given up", async () => {
  await withLibrary(async ({ library }) => {
    const { a, b } = await fill(library);
    for (const path of [a, library.paths.images]) {
      const calls = failing(["open"], { isFailing: (opened) => opened === path });
      const report = await scanAndRemoveDuplicates(library, { dryRun: false, calls });
      assertEquals(skippedOf(report), [["b.png", "failed"]], path);
      assertEquals([statesOf(library), (await Deno.stat(b)).isFile], [[], true], path);
    }
  });
});

Deno.test("a sidecar goes with its copy only if the library has all that it says", async () => {
  await withLibrary(async ({ library }) => {
    const { b } = await fill(library);
    const { images } = library.paths;
    // No JSON, another content's, and one that an unknown kind of file has too.
    await put(images, "b.json", "{ broken");
    await put(
      images,
      "b.png.json",
      JSON.stringify({ category: "danbooru", id: 1, md5: md5Of(bytesOf(7)) }),
    );
    await put(images, "b.unknown", "a file");
    await put(images, "b.txt", "of_both");
    const before = await treeOf(images);
    const report = await scanAndRemoveDuplicates(library, { dryRun: false });
    assertEquals([report.duplicatesRemoved, report.skipped], [1, []]);
    const { "b.png": _b, "b.png.txt": _txt, ...left } = before;
    assertEquals(await treeOf(images), left);
    assert(tagsOf(library, md5Of(bytesOf(1))).includes("general:only_here"));
    await restoreFromTrash(library, report.groups[0].copies[0].trashId!);
    assertEquals(await treeOf(images), before);
    await Deno.remove(join(images, "b.png.json"));
    // Edited after it was read, at two moments: what it says now nobody has.
    const sidecar = `${b}.txt`;
    const lstat = Deno.lstat;
    const { writer } = library;
    const call = writer.call;
    for (const text of ["edited_early", "edited_late"]) {
      const edit = async () => {
        Object.assign(Deno, { lstat });
        Object.assign(writer, { call });
        await Deno.writeTextFile(sidecar, text);
      };
      const editing = async (method: string, request: unknown) => {
        if (method === "takeCopies") await edit();
        return await (call as (...args: unknown[]) => Promise<unknown>)
          .call(writer, method, request);
      };
      const looking = async (path: string) => {
        if (path === sidecar) await edit();
        return await lstat(path);
      };
      if (text === "edited_early") Object.assign(Deno, { lstat: looking });
      else Object.assign(writer, { call: editing });
      const again = await scanAndRemoveDuplicates(library, { dryRun: false });
      assertEquals([Deno.lstat, writer.call], [lstat, call], text);
      assertEquals(again.duplicatesRemoved, 1, text);
      assertEquals(await Deno.readTextFile(sidecar), text);
      await restoreFromTrash(library, again.groups[0].copies[0].trashId!);
    }
  });
});

Deno.test("what an export's sidecar of a copy says of the image goes to the image", async () => {
  await withLibrary(async ({ library }) => {
    await fill(library);
    const { images } = library.paths;
    const md5 = md5Of(bytesOf(1));
    const field = {
      version: SAVED_VERSION,
      md5,
      tags: { user: { general: ["mine"] } },
      deltas: [["add", "mine", "general", null]],
      favourited_at: "2020-01-01 00:00:00",
    };
    await put(images, "b.png.json", JSON.stringify({ [SAVED_FIELD]: field }));
    const report = await scanAndRemoveDuplicates(library, { dryRun: false });
    assertEquals([report.duplicatesRemoved, report.warnings], [1, []]);
    const { reader } = library.core;
    assertEquals(rowsOf(reader, "SELECT count(*) FROM favourites"), [[1]]);
    assertEquals(
      rowsOf(reader, "SELECT tag_name FROM tag_deltas WHERE image_md5 = ?", md5),
      [["mine"]],
    );
  });
});
