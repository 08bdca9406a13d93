import { assertEquals, assertRejects } from "@std/assert";
import { AppError } from "../../src/base/errors.ts";
import { exists } from "../../src/library/library_paths.ts";
import { holdServerLock, withExclusiveLibrary } from "../../src/library/server_lock.ts";
import { withTempDir } from "../support/temp.ts";

Deno.test("holdServerLock() is shared, and keeps withExclusiveLibrary() from its work", () =>
  withTempDir(async (data) => {
    const paths = { data };
    const locks = [await holdServerLock(paths, "serve"), await holdServerLock(paths, "import")];
    for (const [i, lock] of locks.entries()) {
      const name = ["serve", "import"][i];
      let began = false;
      const error = await assertRejects(
        () => withExclusiveLibrary(paths, "restore", () => Promise.resolve(began = true)),
        AppError,
        `Cannot restore: the library is in use by ${name} (process ${Deno.pid})`,
      );
      assertEquals([error.code, began], ["locked", false]);
      lock.release();
    }
    assertEquals(await withExclusiveLibrary(paths, "restore", () => Promise.resolve(7)), 7);
  }));

Deno.test("withExclusiveLibrary() lets its own work in, and nobody else after a failure too", () =>
  withTempDir(async (data) => {
    const paths = { data };
    await assertRejects(
      () =>
        withExclusiveLibrary(paths, "restore", async () => {
          (await holdServerLock(paths, "open")).release();
          // Another open file of the same kind stands for another process.
          using file = await Deno.open(`${data}/server.lock`);
          assertEquals(await file.tryLock(false), false);
          throw new RangeError("the work failed");
        }),
      RangeError,
      "the work failed",
    );
    (await holdServerLock(paths, "serve")).release();
  }));

Deno.test("holdServerLock() makes no file to look at a library, and leaves none of a failed start", () =>
  withTempDir(async (data) => {
    const [paths, path] = [{ data }, `${data}/server.lock`];
    (await holdServerLock(paths, "import", { writesNothing: true })).release();
    assertEquals(await exists(path), false);
    const lock = await holdServerLock(paths, "serve");
    await lock.abandon();
    assertEquals(await exists(path), false);
    (await holdServerLock(paths, "serve")).release();
    const before = await Deno.readTextFile(path);
    const reading = await holdServerLock(paths, "import", { writesNothing: true });
    await assertRejects(() => withExclusiveLibrary(paths, "x", () => Promise.resolve()), AppError);
    reading.release();
    assertEquals(await Deno.readTextFile(path), before);
    await (await holdServerLock(paths, "serve")).abandon();
    assertEquals(await exists(path), true, "it was there before");
  }));
