import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { AppError } from "../../src/base/errors.ts";
import type { ImageSnapshot } from "../../src/cache/image_snapshot.ts";
import { type PageRequest, parsePage, takePage } from "../../src/query/page.ts";
import { parseQuery } from "../../src/query/parser.ts";
import { search } from "../../src/query/search.ts";
import { buildSnapshot, toState } from "../support/plain_library.ts";
import { runs } from "../support/tier.ts";

Deno.test("parsePage() reads numbers and keysets", () => {
  const table: [string | undefined, PageRequest][] = [
    [undefined, { kind: "number", number: 1 }],
    ["", { kind: "number", number: 1 }],
    ["1", { kind: "number", number: 1 }],
    ["007", { kind: "number", number: 7 }],
    ["9999999999", { kind: "number", number: 9_999_999_999 }],
    ["a0", { kind: "after", id: 0 }],
    ["a12", { kind: "after", id: 12 }],
    ["b2147483647", { kind: "before", id: 2_147_483_647 }],
  ];
  for (const [text, expected] of table) assertEquals(parsePage(text), expected, text);
});

Deno.test("parsePage() refuses everything else, with a remedy", () => {
  const texts = ["0", "00", "-1", "1.5", "1e3", " 1", "1 ", "a", "b-1", "c5", "ab5", "A5", "٣"];
  texts.push("a2147483648", "12345678901", "5b", "b5\n", "<script>", "x".repeat(9_000));
  for (const text of texts) {
    const error = assertThrows(() => parsePage(text), AppError, "Cannot show page", text);
    assertEquals(error.code, "bad_request");
    assert(error.remedy !== undefined && error.message.length < 200);
  }
});

async function snapshotOf(ids: readonly number[]): Promise<ImageSnapshot> {
  // Odd ids are loaded, even ones were added since: rows do not ascend with the ids.
  const loaded = ids.filter((id) => id % 2 === 1).map((id) => ({ id }));
  let snapshot = await buildSnapshot({ tags: [], images: loaded });
  for (const id of ids.filter((id) => id % 2 === 0).toReversed()) {
    snapshot = snapshot.withImage(id, toState({ id }, []));
  }
  return snapshot;
}

async function take(snapshot: ImageSnapshot, page: string, limit: number) {
  const result = await search(snapshot, parseQuery(""));
  const { rows, next } = takePage(snapshot, result, { ...parsePage(page), limit });
  return { ids: rows.map((row) => snapshot.idAt(row)), next };
}

Deno.test("takePage() gives pages, highest id first", async () => {
  const snapshot = await snapshotOf([1, 2, 5, 6, 9]);
  const table: [page: string, limit: number, ids: number[], next: string | null][] = [
    ["1", 2, [9, 6], "2"],
    ["2", 2, [5, 2], "3"],
    ["3", 2, [1], null],
    ["4", 2, [], null],
    ["9999999999", 200, [], null],
    ["1", 5, [9, 6, 5, 2, 1], null],
    ["1", 200, [9, 6, 5, 2, 1], null],
    ["b6", 2, [5, 2], "b2"],
    ["b7", 2, [6, 5], "b5"],
    ["b2", 2, [1], null],
    ["b1", 2, [], null],
    ["b0", 2, [], null],
    ["b2147483647", 2, [9, 6], "b6"],
    ["a2", 2, [6, 5], "a6"],
    ["a3", 2, [6, 5], "a6"],
    ["a6", 2, [9], null],
    ["a9", 2, [], null],
    ["a2147483647", 2, [], null],
    ["a0", 3, [5, 2, 1], "a5"],
    ["a0", 5, [9, 6, 5, 2, 1], null],
  ];
  for (const [page, limit, ids, next] of table) {
    assertEquals(await take(snapshot, page, limit), { ids, next }, `${page}, ${limit}`);
  }
});

Deno.test("takePage() of nothing is an empty last page", async () => {
  const snapshot = await snapshotOf([]);
  for (const page of ["1", "7", "a0", "a5", "b5", "b0"]) {
    assertEquals(await take(snapshot, page, 40), { ids: [], next: null }, page);
  }
});

Deno.test("walking all pages by next gives every image once", async () => {
  const ids = fc.uniqueArray(fc.integer({ min: 1, max: 90 }), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(ids, fc.integer({ min: 1, max: 12 }), async (ids, limit) => {
      const sorted = ids.toSorted((a, b) => a - b);
      const snapshot = await snapshotOf(sorted);
      for (const first of ["1", "b2147483647", "a0"]) {
        const pages: number[][] = [];
        let page: string | null = first;
        while (page !== null) {
          assert(pages.length <= ids.length, "the walk ends");
          const taken = await take(snapshot, page, limit);
          pages.push(taken.ids);
          page = taken.next;
        }
        const walked = first === "a0" ? pages.reverse().flat() : pages.flat();
        assertEquals(walked, sorted.toReversed(), first);
        const isWhole = pages.every((page) => page.length > 0) || ids.length === 0;
        assert(isWhole, "no page is empty");
      }
    }),
    { numRuns: runs(60) },
  );
});
