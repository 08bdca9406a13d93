import { assertEquals } from "@std/assert";
import {
  chooseSource,
  mergeTagSources,
  readSourcePosts,
  speakFor,
} from "../../src/tags/merge_sources.ts";
import { makeSourceComparison } from "../../src/tags/sources.ts";
import type { ExtractedTag } from "../../src/tags/tag_extraction.ts";

/** As the original's tagger writes it. */
const TAGGER = {
  tags: { general: ["solo", "guessed"], character: ["miku"], species: [], meta: [] },
  tagger_name: "some model",
  all_predictions: [{ tag_name: "guessed", category: "general", confidence: 0.61 }],
};

const SOURCES = {
  gelbooru: { id: 7, tags: "solo dog miku &lt;3", rating: "general", score: 5 },
  danbooru: {
    id: 11,
    tag_string_general: "solo dog",
    tag_string_character: "miku",
    tag_string_artist: "both",
    parent_id: 10,
    rating: "s",
    fav_count: 2,
  },
  e621: {
    id: 9,
    tags: { general: ["solo"], species: ["dog"], copyright: ["both"] },
    rating: "q",
    score: { total: -4 },
    relationships: { parent_id: 8, has_children: true },
  },
};

function postsOf(sources: Record<string, unknown>) {
  return readSourcePosts(JSON.stringify({ sources }));
}

function show(tags: readonly ExtractedTag[]): string[] {
  return tags.map(({ name, category }) => `${name}|${category ?? "-"}`).sort();
}

Deno.test("readSourcePosts() reads every source by its name, whatever else a document holds", () => {
  const posts = readSourcePosts(JSON.stringify({
    sources: { local_tagger: TAGGER, pixiv: null, odd: "text", yandere: { id: 3, tags: "a b" } },
  }));
  assertEquals([...posts.keys()], ["local_tagger", "yandere"]);
  assertEquals(show(posts.get("local_tagger")!.tags), [
    "guessed|general",
    "miku|character",
    "solo|general",
  ]);
  assertEquals(posts.get("yandere")!.postId, 3);
  for (const document of [null, "", "{", "[]", "7", '{"sources":[]}']) {
    assertEquals(readSourcePosts(document).size, 0, document ?? "null");
  }
});

Deno.test("mergeTagSources() gives each name once, under its strongest category", () => {
  const merged = mergeTagSources(postsOf(SOURCES));
  assertEquals(show(merged.tags), [
    "<3|-",
    "both|copyright",
    "dog|species",
    "miku|character",
    "solo|general",
  ]);
  const { tags: _, ...numbers } = merged;
  assertEquals(numbers, {
    rating: "sensitive",
    postId: 11,
    parentId: 10,
    hasChildren: null,
    score: -4,
    favCount: 2,
  });
});

Deno.test("mergeTagSources() takes ratings and numbers in the order of sources, tags from all", () => {
  const merged = mergeTagSources(postsOf(SOURCES), { priority: ["e621", "gelbooru"] });
  assertEquals(show(merged.tags), show(mergeTagSources(postsOf(SOURCES)).tags));
  assertEquals([merged.rating, merged.postId, merged.parentId], ["questionable", 9, 8]);
  assertEquals([merged.hasChildren, merged.score, merged.favCount], [true, -4, 2]);
});

Deno.test("mergeTagSources() leaves guesses out where a site knows the image", () => {
  const { yandere } = { yandere: { id: 3, tags: "a" } };
  const both = postsOf({ local_tagger: TAGGER, yandere });
  assertEquals(show(mergeTagSources(both).tags), ["a|-"]);
  const alone = postsOf({ local_tagger: TAGGER });
  assertEquals(mergeTagSources(alone).tags.length, 3);
  assertEquals(mergeTagSources(new Map()).tags, []);
});

Deno.test("speakFor() gives what one source says, and another's rating where it has none", () => {
  const posts = postsOf({ ...SOURCES, local_tagger: TAGGER });
  const priority = ["merged", "danbooru"];
  const e621 = speakFor(posts, { source: "e621", priority });
  assertEquals(show(e621.tags), ["both|copyright", "dog|species", "solo|general"]);
  assertEquals([e621.rating, e621.postId, e621.score], ["questionable", 9, -4]);
  const tagger = speakFor(posts, { source: "local_tagger", priority });
  assertEquals([tagger.tags.length, tagger.rating, tagger.postId], [3, "sensitive", null]);
  assertEquals(speakFor(posts, { source: "merged", priority }), mergeTagSources(posts));
});

Deno.test("chooseSource() follows a person's choice, then the order, then what there is", () => {
  const shared = postsOf(SOURCES);
  const single = postsOf({ gelbooru: SOURCES.gelbooru });
  const guessed = postsOf({ local_tagger: TAGGER, gelbooru: SOURCES.gelbooru });
  const usual = ["merged", "danbooru", "e621"];
  const cases: [posts: typeof shared, choice: string | null, priority: string[], chosen: string][] =
    [
      [shared, null, usual, "merged"],
      [shared, "e621", usual, "e621"],
      [shared, "pixiv", usual, "merged"],
      [shared, null, ["pixiv", "e621", "merged"], "e621"],
      [shared, null, ["pixiv"], "merged"],
      [shared, "merged", ["e621"], "merged"],
      [single, null, usual, "gelbooru"],
      [single, null, ["merged"], "gelbooru"],
      [guessed, null, usual, "gelbooru"],
      [guessed, null, ["local_tagger"], "local_tagger"],
    ];
  for (const [posts, choice, priority, chosen] of cases) {
    assertEquals(chooseSource(posts, { choice, priority }), chosen, `${choice} ${priority}`);
  }
  assertEquals(chooseSource(new Map(), { choice: "e621", priority: usual }), null);
});

Deno.test("makeSourceComparison() puts what is named first and programs that guess last", () => {
  const names = ["zerochan", "local_tagger", "danbooru", "pixiv", "e621", "camie_tagger"];
  assertEquals(names.toSorted(makeSourceComparison(["pixiv"])), [
    ...["pixiv", "danbooru", "e621", "zerochan", "camie_tagger", "local_tagger"],
  ]);
  assertEquals(names.toSorted(makeSourceComparison(["local_tagger", "e621"]))[0], "local_tagger");
});
