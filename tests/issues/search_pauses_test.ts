import { assert } from "@std/assert";
import type { ImageSnapshot } from "../../src/cache/image_snapshot.ts";
import { ColumnIndex } from "../../src/query/column_index.ts";
import { evaluate } from "../../src/query/evaluate.ts";
import { parseQuery } from "../../src/query/parser.ts";
import { buildPlan, type PlanContext } from "../../src/query/plan.ts";
import type { Steps } from "../../src/query/steps.ts";
import { buildSnapshot } from "../support/plain_library.ts";

const TERMS = 1_000;

function terms(word: (i: number) => string): string {
  return Array.from({ length: TERMS }, (_, i) => word(i)).join(" or ");
}

function runCounting<T>(steps: Steps<T>): { value: T; pauses: number } {
  for (let pauses = 0;; pauses++) {
    const step = steps.next();
    if (step.done) return { value: step.value, pauses };
  }
}

function planOf(snapshot: ImageSnapshot, text: string) {
  const index = ColumnIndex.of(snapshot.columns);
  const context: PlanContext = { snapshot, index, unknownTags: [], similar: new Map() };
  return { index, ...runCounting(buildPlan(context, parseQuery(text).root)) };
}

async function makeSnapshot(): Promise<ImageSnapshot> {
  return await buildSnapshot({
    tags: [{ id: 1, name: "rare" }, { id: 2, name: "often" }],
    images: Array.from({ length: 1_000 }, (_, i) => ({
      id: i + 1,
      tagIds: i % 20 === 0 ? [1, 2] : [2],
    })),
    pools: [{ id: 1, name: "one", imageIds: [1, 2, 3] }],
  });
}

for (
  const [name, word] of [
    ["wildcards", (i: number) => `*a*${i}*`],
    ["MD5s", (i: number) => `md5:${i.toString(16).padStart(32, "0")}`],
    ["names of pools", (i: number) => `pool:*${i}*`],
  ] as const
) {
  Deno.test(`buildPlan() pauses while it looks up ${TERMS} ${name}`, async () => {
    const { pauses } = planOf(await makeSnapshot(), terms(word));
    // Each term looks at all tags, images or pools: the deadline counts only where the work pauses.
    assert(pauses > 0, "no deadline can end it");
  });
}

Deno.test("evaluate() pauses while a short list is asked about a thousand texts", async () => {
  const snapshot = await makeSnapshot();
  const text = `rare (${terms((i) => `filename:*${i}x*`)})`;
  const { index, value } = planOf(snapshot, text);
  const { pauses } = runCounting(evaluate(index, value));
  assert(pauses > 0, "no deadline can end it");
});
