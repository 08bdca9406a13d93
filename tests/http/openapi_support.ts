import { assert, assertEquals, assertMatch } from "@std/assert";
import type * as z from "zod";
import { problemsOf } from "../../src/http/openapi/document.ts";
import type { RouteDescription } from "../../src/http/openapi/route.ts";
import { ROUTES } from "../../src/http/openapi/routes.ts";
import { PROBLEM } from "../../src/http/openapi/schemas.ts";
import { startServer, type TestServer } from "./support.ts";

const TAGS = [
  { name: "solo" },
  { name: "hat" },
  { name: "blue_hat" },
  { name: "miku", category: "character" },
  { name: "somebody", category: "artist" },
  { name: "rating:general", category: "rating" },
];

const METADATA = { sources: { danbooru: { id: 7, tag_string_general: "hat" } } };

/** A library of some images, of which the first two have files. */
export function startDescribed(
  { adminSecret = null, images = 20 }: { adminSecret?: string | null; images?: number } = {},
): Promise<TestServer> {
  return startServer({
    tags: TAGS,
    adminSecret,
    pictures: [
      {
        tags: ["solo", "miku", "rating:general"],
        columns: { image_width: 24, image_height: 16, score: 3 },
        metadata: METADATA,
        sourceUrl: "https://example.org/1",
      },
      { tags: ["hat", "solo"], columns: { score: -3 } },
      ...Array.from({ length: images - 2 }, (_, i) => ({
        tags: i % 2 === 0 ? ["hat", "somebody"] : ["blue_hat", "solo"],
        bytes: null,
        md5: (i + 100).toString(16).padStart(32, "0"),
      })),
    ],
  });
}

/** The route of a method and a path as the router has it. */
export function routeOf(method: string, path: string): RouteDescription {
  const found = ROUTES.find((route) => route.method === method && route.path === path);
  assert(found !== undefined, `${method} ${path} is not described`);
  return found;
}

/**
 * Asserts that an answer is one that its route describes, with a body that its schema lets pass whole, and
 * gives the body; undefined for one that is no JSON.
 */
export async function assertDescribed(
  route: RouteDescription,
  response: Response,
  what: string,
): Promise<unknown> {
  const { status } = response;
  const type = response.headers.get("content-type");
  const answer = route.answers.find((one) =>
    one.status === status && type !== "application/problem+json; charset=utf-8"
  );
  if (answer?.contentType !== undefined) {
    assert(type!.startsWith(answer.contentType), `${what}: ${type}`);
    await response.body!.cancel();
    return undefined;
  }
  const text = await response.text();
  if (answer === undefined) {
    assert(status >= 400, `${what}: ${status} is not described: ${text}`);
    assert((problemsOf(route) as number[]).includes(status), `${what}: ${status}: ${text}`);
    assert(status !== 500, `${what}: ${text}`);
    assertMatch(type!, /^application\/problem\+json\b/, what);
    const problem = assertFits(PROBLEM, JSON.parse(text), what) as { status: number };
    assertEquals(problem.status, status, what);
    return problem;
  }
  for (const name of Object.keys(answer.headers ?? {})) {
    assert(response.headers.has(name), `${what}: no ${name}`);
  }
  if (answer.schema === undefined) {
    assertEquals(text, "", what);
    return undefined;
  }
  assertMatch(type!, /^application\/json\b/, what);
  return assertFits(answer.schema, JSON.parse(text), what);
}

/** The value, if a schema lets it pass as it is. */
function assertFits(schema: z.ZodType, value: unknown, what: string): unknown {
  const { success, data, error } = schema.safeParse(value);
  assert(success, `${what}: ${error?.message} in ${JSON.stringify(value)}`);
  assertEquals(data, value, what);
  return value;
}
