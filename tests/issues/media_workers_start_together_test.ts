import { assertEquals } from "@std/assert";
import { join } from "node:path";
import type { MediaContract } from "../../src/worker/contracts.ts";
import { spawnMedia } from "../../src/worker/spawn.ts";
import { WorkerPool } from "../../src/worker/worker_pool.ts";
import { writePicture } from "../support/sample_library.ts";
import { withTempDir } from "../support/temp.ts";
import { fullTierTest } from "../support/tier.ts";

/*
 * A media worker forbade all loaders of libvips at its start and allowed five again. Both hold for the
 * process, so pictures that another worker decoded in between were "unsupported" and not imported.
 */
fullTierTest("media workers that start while others decode make no picture fail", async () => {
  await withTempDir(async (dir) => {
    const path = join(dir, "a.png");
    await writePicture(path, 1);
    const failures: (string | null)[] = [];
    for (let round = 0; round < 4; round++) {
      const pool = new WorkerPool<MediaContract>(spawnMedia, {
        name: "media",
        size: 4,
        isTerminable: false,
      });
      const request = (i: number) => ({
        path,
        ext: "png",
        thumbnailPath: join(dir, `t/${i}.webp`),
      });
      const made = await Promise.all(
        Array.from({ length: 60 }, (_, i) => pool.call("inspect", request(i))),
      );
      for (const { thumbnail, thumbnailError } of made) {
        if (thumbnail !== "made") failures.push(thumbnailError);
      }
      await pool.close();
    }
    assertEquals(failures, []);
  });
});
