import { assert, assertEquals, assertFalse, assertMatch, assertStringIncludes } from "@std/assert";
import { assertProblem, idsOf } from "./images_support.ts";
import { attributesOf, HOSTILE, makeImage, queryOf, renderPost } from "./page_fixtures.tsx";
import { startServer } from "./support.ts";

const TAGS = [
  { name: "miku", category: "character" },
  { name: "hat" },
  { name: "sky" },
  { name: "rating:general", category: "rating" },
];
const PICTURES = [
  { tags: ["miku", "hat", "rating:general"] },
  { tags: ["miku", "sky"] },
  { tags: ["hat"] },
  { tags: ["sky", "rating:general"] },
  { tags: ["rating:general"] },
];

function startSome() {
  return startServer({ tags: TAGS, pictures: PICTURES });
}

Deno.test("GET /api/images/:id/similar gives the most similar images first", async () => {
  await using server = await startSome();
  const answer = await server.json("/api/images/1/similar");
  assertEquals(answer.status, 200);
  assertEquals(Object.keys(answer.body), ["id", "images", "tookMs"]);
  assertEquals([answer.body.id, idsOf(answer)], [1, [2, 3]]);
  assertEquals(typeof answer.body.tookMs, "number");
  const [best, second] = answer.body.images;
  assert(1 > best.similarity && best.similarity > second.similarity && second.similarity > 0);
  const { similarity: _, ...view } = best;
  const { body: page } = await server.json("/api/images?limit=10");
  assertEquals(view, page.images.find((image: { id: number }) => image.id === 2));
  assertEquals(idsOf(await server.json("/api/images/1/similar?limit=1")), [2]);
  assertEquals(idsOf(await server.json("/api/images/1/similar?limit=200")), [2, 3]);
  assertEquals(idsOf(await server.json("/api/images/5/similar")), [], "a rating is not enough");
});

Deno.test("GET /api/images/:id/similar refuses what is no image and no limit", async () => {
  await using server = await startSome();
  for (const id of ["6", "0", "-1", "x", "01", "1e0", "99999999999"]) {
    assertProblem(await server.json(`/api/images/${id}/similar`), 404, "not_found");
  }
  for (const limit of ["0", "-1", "201", "x", "1.5", ""]) {
    assertProblem(await server.json(`/api/images/1/similar?limit=${limit}`), 400, "bad_request");
  }
  assertProblem(await server.json("/api/images/1/similar", { method: "POST" }), 404, "not_found");
  await using empty = await startServer({ pictures: PICTURES, isLoaded: false });
  assertProblem(await empty.json("/api/images/1/similar"), 503, "unavailable");
});

Deno.test("GET /api/images/:id/similar follows edits and deletions", async () => {
  await using server = await startSome();
  const similar = async () => idsOf(await server.json("/api/images/1/similar"));
  assertEquals(await similar(), [2, 3]);
  await server.send("PUT", "/api/images/4/tags", { add: ["miku", "hat"], remove: ["sky"] });
  assertEquals(await similar(), [4, 2, 3]);
  await server.request("/api/images/2", { method: "DELETE" });
  assertEquals(await similar(), [4, 3]);
});

Deno.test("GET /api/status has the hit rates of similar images and their weights", async () => {
  await using server = await startSome();
  const read = async () => (await server.json("/api/status")).body.caches;
  const none = { hits: 0, misses: 0, hitRate: 0, size: 0 };
  const before = await read();
  assertEquals([before.similarImages, before.similarityWeights], [none, none]);
  for (let i = 0; i < 4; i++) await server.json("/api/images/1/similar");
  await server.request("/posts/1");
  const { similarImages, similarityWeights } = await read();
  assertEquals(similarImages, { hits: 4, misses: 1, hitRate: 0.8, size: 1 });
  assertEquals(Object.keys(similarityWeights), ["hits", "misses", "hitRate", "size"]);
  assertEquals([similarityWeights.misses, similarityWeights.size], [4, 4]);
  assert(similarityWeights.hits > 0 && similarityWeights.hitRate < 1);
  await server.library.core.cache.loadDataFromDb({ verbose: false });
  assertEquals((await read()).similarImages, { hits: 4, misses: 1, hitRate: 0.8, size: 0 });
});

Deno.test("GET /posts/:id shows a row of similar posts, and none when there are none", async () => {
  const many = Array.from({ length: 20 }, () => ({ tags: ["hat"], bytes: null }));
  await using server = await startServer({
    tags: TAGS,
    pictures: [...PICTURES, ...many].map((picture, i) => ({
      ...picture,
      bytes: null,
      md5: md5Of(i),
    })),
  });
  const page = await (await server.request("/posts/3")).text();
  const section = /<section class="similar".*?<\/section>/s.exec(page)![0];
  assertEquals(section.match(/<li class="thumb/g)?.length, 12);
  assertMatch(section, /<a href="\/posts\/25"/);
  assertFalse(section.includes(`href="/posts/3"`), "never itself");
  const alone = await (await server.request("/posts/5")).text();
  assertFalse(alone.includes("Similar posts"));
});

function md5Of(number: number): string {
  return number.toString(16).padStart(32, "0");
}

Deno.test("PostPage names its row of similar posts and leads to all of them", () => {
  const similar = [makeImage({ id: 9, urls: { ...makeImage().urls, thumbnail: "/t/9" } })];
  const page = renderPost({ similar, query: "solo" });
  const section = /<section class="similar".*?<\/section>/s.exec(page)![0];
  assertStringIncludes(section, `aria-labelledby="similar-heading"`);
  assertStringIncludes(section, `<h2 id="similar-heading">Similar posts</h2>`);
  const [more, link] = attributesOf(section, "href");
  assertEquals(queryOf(more), "similar:7 order:similar");
  assertEquals(link, "/posts/9", "the search that led here does not lead on");
  assertMatch(section, /<img src="\/t\/9" alt="Picture 9: [^"]+" width="\d+" height="\d+"/);
  assertFalse(renderPost({ similar: [] }).includes("similar"));
  for (const text of HOSTILE) {
    const image = makeImage({ tags: { general: [text] } });
    assertFalse(/<script>alert|onmouseover="alert/.test(renderPost({ similar: [image] })));
  }
});
