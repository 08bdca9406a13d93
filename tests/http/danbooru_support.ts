import { assertEquals } from "@std/assert";
import {
  type JsonAnswer,
  type Picture,
  type ServerSpec,
  startServer,
  type TestServer,
} from "./support.ts";

/** Tags of {@link startBooru}. */
export const BOORU_TAGS = [
  { name: "solo" },
  { name: "hat" },
  { name: "hatsune_miku", category: "character" },
  { name: "vocaloid", category: "copyright" },
  { name: "wlop", category: "artist" },
  { name: "highres", category: "meta" },
  { name: "wolf", category: "species" },
  { name: "unused" },
  { name: "rating:general", category: "rating" },
  { name: "rating:explicit", category: "rating" },
];

const POSTS: Picture[] = [
  {
    tags: ["solo", "hatsune_miku", "vocaloid", "wlop", "highres", "rating:general"],
    columns: {
      image_width: 1000,
      image_height: 500,
      score: 10,
      fav_count: 3,
      ingested_at: "2024-01-05 12:30:00",
    },
    sourceUrl: "https://www.pixiv.net/artworks/123",
    metadata: { sources: { danbooru: { id: 700 } } },
  },
  {
    tags: ["solo", "hat", "rating:explicit"],
    columns: { score: -3, parent_id: 700, ingested_at: "2024-01-06 00:00:00" },
    metadata: { sources: { danbooru: { id: 701 } } },
  },
  { tags: ["hat", "wolf"], columns: { score: 5, ingested_at: "2024-01-06 23:59:59" } },
  { tags: [] },
];

/**
 * Four posts: 1 of everything, parent of 2; 2 explicit; 3 with a species and no rating; 4 without a tag.
 * The pool "Hats, all" (1) has 3 and 2, "Empty" (2) has none; `miku` is another name of `hatsune_miku`.
 */
export async function startBooru(spec: ServerSpec = {}): Promise<TestServer> {
  const server = await startServer({ tags: BOORU_TAGS, pictures: POSTS, ...spec });
  server.write(
    `INSERT INTO pools (id, name, description) VALUES (1, 'Hats, all', 'of them'), (2, 'Empty', NULL);
     INSERT INTO pool_images (pool_id, image_id, sort_order) VALUES (1, 3, 1), (1, 2, 2);
     INSERT INTO tag_aliases (antecedent, consequent, created_at_ms) VALUES ('miku', 'hatsune_miku', 0)`,
  );
  if (spec.isLoaded !== false) await server.library.core.poll();
  return server;
}

/** Asserts a failure as Danbooru writes it. */
export function assertFailure(answer: JsonAnswer, status: number, errorClass: string): void {
  assertEquals([answer.status, answer.body.error], [status, errorClass]);
  assertEquals(answer.body.success, false);
  assertEquals(typeof answer.body.message, "string");
  assertEquals(Array.isArray(answer.body.backtrace), true);
}

/** Ids of a list of the API, in their order. */
export function idsOf({ body }: JsonAnswer): number[] {
  return body.map((item: { id: number }) => item.id);
}

/** Ids that a search finds. */
export async function search(server: TestServer, query: string): Promise<number[]> {
  return idsOf(await server.json(`/posts.json?${query}`));
}

/** The header of a person who signs in. */
export function basic(login: string, key: string): { authorization: string } {
  return { authorization: `Basic ${btoa(`${login}:${key}`)}` };
}
