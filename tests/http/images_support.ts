import { assert, assertEquals, assertMatch } from "@std/assert";
import { type JsonAnswer, type Picture, startServer, type TestServer } from "./support.ts";

const SOME_TAGS = [
  { name: "solo" },
  { name: "hat" },
  { name: "miku", category: "character" },
  { name: "somebody", category: "artist" },
  { name: "rating:general", category: "rating" },
];

const SOME: Picture[] = [
  { tags: ["solo", "miku", "rating:general"], columns: { image_width: 24, image_height: 16 } },
  { tags: ["hat", "solo"], columns: { score: -3 } },
  { tags: ["hat"] },
];

/** Three images: 1 of miku alone with a rating, 2 solo with a hat, 3 with a hat. */
export function startSome(): Promise<TestServer> {
  return startServer({ tags: SOME_TAGS, pictures: SOME });
}

/** Asserts a failure as RFC 9457 has it. */
export function assertProblem(answer: JsonAnswer, status: number, code: string): void {
  assertEquals([answer.status, answer.body.code], [status, code]);
  assertMatch(answer.headers.get("content-type")!, /^application\/problem\+json\b/);
  assertEquals(answer.body.status, status);
  assertEquals(answer.body.type, "about:blank");
  for (const key of ["title", "detail"]) {
    assertEquals(typeof answer.body[key], "string", key);
    assert(answer.body[key] !== "", key);
  }
}

/** Ids of the images of an answer, in their order. */
export function idsOf(answer: JsonAnswer): number[] {
  return answer.body.images.map((image: { id: number }) => image.id);
}
