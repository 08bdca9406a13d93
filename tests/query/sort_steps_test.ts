import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { sortSteps } from "../../src/query/sort_steps.ts";
import { runAtOnce } from "../../src/query/steps.ts";
import { runs } from "../support/tier.ts";

Deno.test("sortSteps() sorts as the language does, equal items in their order", () => {
  const items = fc.array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer()), {
    maxLength: 2_000,
    size: "max",
  });
  fc.assert(
    fc.property(items, (list) => {
      const compare = (a: [number, number], b: [number, number]) => a[0] - b[0];
      const before = list.slice();
      assertEquals(runAtOnce(sortSteps(list, compare)), list.toSorted(compare));
      assertEquals(list, before);
    }),
    { numRuns: runs(30, 300) },
  );
});

Deno.test("sortSteps() pauses after a few thousand comparisons at most", () => {
  const list = Array.from({ length: 20_000 }, (_, i) => (i * 7_919) % 20_011);
  let compared = 0;
  let most = 0;
  const steps = sortSteps(list, (a, b) => {
    compared++;
    return a - b;
  });
  for (let step = steps.next(); !step.done; step = steps.next()) {
    most = Math.max(most, compared);
    compared = 0;
  }
  assert(most > 0 && most < 5_000, `${most} comparisons without a pause`);
});
