import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { describeFigures, runHttpBench } from "../../bench/http_bench.ts";
import { generateLibrary } from "../../bench/support/library_generator.ts";
import { withTempDir } from "../support/temp.ts";
import { fullTierTest } from "../support/tier.ts";

fullTierTest("runHttpBench() compares, measures and describes a small library", async () => {
  await withTempDir(async (dir) => {
    const library = join(dir, "library.db");
    generateLibrary(library, { images: 300, tags: 200, tagsPerImage: 8 });
    const figures = await runHttpBench({
      library,
      queries: 30,
      requests: 200,
      seconds: 0.1,
      rounds: 1,
      // The client that every machine has; wrk measures whole seconds.
      client: "deno",
      print: () => {},
    });
    assertEquals(figures.images, 300);
    assert(figures.ours.requests >= 32 && figures.bare.requests >= 32);
    assert(figures.ratio > 0);
    assert(describeFigures(figures).includes("of the bare handler"));
  });
});
