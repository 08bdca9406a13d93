import { assertEquals } from "@std/assert";
import { type ExtractedPost, extractPost } from "../../src/tags/tag_extraction.ts";

const DANBOORU = {
  id: 9969513,
  created_at: "2025-09-15T19:27:31.639-04:00",
  score: 4,
  source: "https://twitter.com/someone/status/1667444598267068417",
  md5: "bd6cde0ec3b896251118d59b4d0e01b4",
  rating: "s",
  image_width: 2048,
  image_height: 1024,
  tag_string: "1girl blush genshin_impact highres kokomi someone",
  fav_count: 2,
  parent_id: 2552398,
  has_children: false,
  file_size: 277355,
  media_asset: { duration: 4.16, image_width: 1 },
  tag_string_general: "1girl blush",
  tag_string_character: "kokomi",
  tag_string_copyright: "genshin_impact",
  tag_string_artist: "someone",
  tag_string_meta: "highres",
  file_url: "https://cdn.donmai.us/original/bd/6c/bd6cde0ec3b896251118d59b4d0e01b4.jpg",
};

const E621 = {
  id: 3937661,
  created_at: "2023-03-18T07:25:47.107-04:00",
  file: { width: 1520, height: 1080, size: 1243578, md5: "7b138342c395e3df25689107a86d1235" },
  preview: { width: 150, height: 106 },
  score: { up: 9, down: -1, total: 8 },
  tags: {
    general: ["anthro"],
    species: ["canid"],
    character: ["paosh_(character)"],
    artist: ["noarustar"],
    contributor: ["co_author"],
    invalid: ["tagme_wrong"],
    lore: ["female_(lore)"],
    meta: ["animated"],
    future_kind: ["something"],
  },
  flags: { deleted: false },
  rating: "s",
  fav_count: 7,
  sources: ["https://twitter.com/noarustar", "-https://dead.example/"],
  relationships: { parent_id: 12, has_children: true },
  duration: null,
};

const GELBOORU = {
  id: 8329156,
  created_at: "Mon Mar 13 19:00:33 -0500 2023",
  score: 2,
  width: 1448,
  height: 2048,
  md5: "b4a3a01ffbbd22fb03d60a35754985f8",
  directory: "b4/a3",
  image: "b4a3a01ffbbd22fb03d60a35754985f8.jpg",
  rating: "general",
  source: "https://a.example/?x=1&amp;y=2 https://b.example/",
  change: 1678752034,
  owner: "danbooru",
  parent_id: 0,
  tags: "2girls don&#039;t_cry tom_&amp;_jerry &quot;quoted&quot; &bogus;",
  has_children: "false",
};

const MOEBOORU = {
  id: 354314,
  tags: "black_hair goma_irasuto original",
  created_at: 1679026546,
  creator_id: 41748,
  author: "FormX",
  source: "https://www.pixiv.net/en/artworks/103152545",
  score: 3,
  md5: "4af1376b7ee92f22649d40114f5d9a70",
  file_size: 5275717,
  file_url: "https://konachan.com/image/4af1376b7ee92f22649d40114f5d9a70/x.jpg",
  rating: "s",
  has_children: false,
  parent_id: null,
  width: 2204,
  height: 1483,
};

const PIXIV = {
  id: 73498778,
  user: { id: 246839, name: "サイコ", account: "saiko0430" },
  tags: ["漫画", "pixivファンタジアLS", "R-18"],
  create_date: "2019-03-03T23:33:14+09:00",
  page_count: 2,
  width: 600,
  height: 800,
  x_restrict: 0,
  total_bookmarks: 78,
  rating: "General",
  category: "pixiv",
};

/** `name|category` of every tag, `-` for an unknown category. */
function tagsOf(post: ExtractedPost): string[] {
  return post.tags.map(({ name, category }) => `${name}|${category ?? "-"}`);
}

Deno.test("extractPost() reads a Danbooru post", () => {
  assertEquals(extractPost(DANBOORU), {
    kind: "danbooru",
    source: "danbooru",
    postId: 9969513,
    parentId: 2552398,
    hasChildren: false,
    md5: "bd6cde0ec3b896251118d59b4d0e01b4",
    rating: "sensitive",
    score: 4,
    favCount: 2,
    width: 2048,
    height: 1024,
    fileSize: 277355,
    duration: 4.16,
    createdAt: "2025-09-15T23:27:31.639Z",
    sourceUrls: ["https://twitter.com/someone/status/1667444598267068417"],
    sourceText: null,
    tags: [
      { name: "1girl", category: "general" },
      { name: "blush", category: "general" },
      { name: "kokomi", category: "character" },
      { name: "genshin_impact", category: "copyright" },
      { name: "someone", category: "artist" },
      { name: "highres", category: "meta" },
    ],
    rejectedTagsCount: 0,
  });
});

Deno.test("extractPost() keeps a source that is no address as text", () => {
  const { sourceUrls, sourceText } = extractPost({ ...DANBOORU, source: "Own scan" });
  assertEquals([sourceUrls, sourceText], [[], "Own scan"]);
  const gelbooru = extractPost({ ...GELBOORU, source: "Don&#039;t know" });
  assertEquals(gelbooru.sourceText, "Don't know");
});

Deno.test("extractPost() reads the lists that newer gallery-dl adds, with the same result", () => {
  const listed = {
    ...DANBOORU,
    category: "danbooru",
    date: "2025-09-15 23:27:31",
    tags: DANBOORU.tag_string.split(" "),
    tags_general: ["1girl", "blush"],
    tags_character: ["kokomi"],
    tags_copyright: ["genshin_impact"],
    tags_artist: ["someone"],
    tags_meta: ["highres"],
  };
  assertEquals(extractPost(listed), extractPost(DANBOORU));
});

Deno.test("extractPost() reads s as safe in a Danbooru post of 2020", () => {
  assertEquals(extractPost({ ...DANBOORU, is_rating_locked: false }).rating, "general");
});

Deno.test("extractPost() leaves the category of a bare tag_string to categoryOf", () => {
  const bare = { id: 1, tag_string: "miku new_tag rating:q" };
  const post = extractPost(bare);
  assertEquals(tagsOf(post), ["miku|-", "new_tag|-"]);
  assertEquals(post.rating, "questionable");
  const categoryOf = (name: string) => name === "miku" ? "character" as const : undefined;
  const resolved = extractPost(bare, { categoryOf });
  assertEquals(tagsOf(resolved), ["miku|character", "new_tag|general"]);
});

Deno.test("extractPost() reads the yearly Danbooru dumps: numbers as text, tags as objects", () => {
  const post = extractPost({
    id: "263169",
    created_at: "2008-07-13 09:17:31.92 UTC",
    score: "1",
    source: "",
    rating: "s",
    image_width: "614",
    image_height: "802",
    is_note_locked: false,
    uploader_id: "20",
    up_score: "1",
    parent_id: "0",
    file_size: "98765",
    tags: [
      { id: "1", name: "1girl", category: "0" },
      { id: "2", name: "miku", category: "4" },
      { id: "3", name: "someone", category: "1" },
      { id: "4", name: "odd", category: "9" },
      { id: "5" },
    ],
  });
  assertEquals(post.source, "danbooru");
  assertEquals([post.postId, post.parentId, post.score, post.width], [263169, null, 1, 614]);
  assertEquals([post.rating, post.fileSize], ["general", 98765]);
  assertEquals(post.createdAt, "2008-07-13T09:17:31.920Z");
  assertEquals(tagsOf(post), ["1girl|general", "miku|character", "someone|artist", "odd|-"]);
});

Deno.test("extractPost() reads an e621 post: species stay, the other words become ours", () => {
  const post = extractPost(E621);
  assertEquals([post.kind, post.source, post.postId], ["e621", "e621", 3937661]);
  assertEquals([post.parentId, post.hasChildren], [12, true]);
  assertEquals([post.score, post.favCount, post.rating], [8, 7, "general"]);
  assertEquals([post.width, post.height, post.fileSize], [1520, 1080, 1243578]);
  assertEquals(post.md5, "7b138342c395e3df25689107a86d1235");
  assertEquals(post.sourceUrls, ["https://twitter.com/noarustar", "https://dead.example/"]);
  assertEquals(tagsOf(post), [
    "anthro|general",
    "canid|species",
    "paosh_(character)|character",
    "noarustar|artist",
    "co_author|artist",
    "tagme_wrong|general",
    "female_(lore)|meta",
    "animated|meta",
    "something|-",
  ]);
});

Deno.test("extractPost() reads the flat list and the lists by category of an e621 sidecar", () => {
  const post = extractPost({
    ...E621,
    tags: ["anthro", "canid", "noarustar"],
    tags_general: ["anthro"],
    tags_species: ["canid"],
    tags_artist: ["noarustar"],
    tags_lore: [],
    category: "e621",
  });
  assertEquals(tagsOf(post), ["anthro|general", "noarustar|artist", "canid|species"]);
});

Deno.test("extractPost() reads a Gelbooru post and undoes its HTML", () => {
  const post = extractPost(GELBOORU);
  assertEquals([post.kind, post.source], ["gelbooru", "gelbooru"]);
  assertEquals([post.parentId, post.hasChildren, post.rating], [null, false, "general"]);
  assertEquals(post.createdAt, "2023-03-14T00:00:33.000Z");
  assertEquals(post.sourceUrls, ["https://a.example/?x=1&y=2", "https://b.example/"]);
  assertEquals(tagsOf(post), [
    "2girls|-",
    "don't_cry|-",
    "tom_&_jerry|-",
    '"quoted"|-',
    "&bogus;|-",
  ]);
});

Deno.test("extractPost() leaves commas in the names of boorus", () => {
  assertEquals(tagsOf(extractPost({ ...GELBOORU, tags: "a,b c" })), ["a,b|-", "c|-"]);
});

Deno.test("extractPost() decodes HTML once, and only for Gelbooru", () => {
  const names = (tags: string) => extractPost({ ...GELBOORU, tags }).tags.map((tag) => tag.name);
  assertEquals(names("&amp;lt; &#x27; &#1234567; &#0; &LT;"), ["&lt;", "'", "&#1234567;", "<"]);
  assertEquals(
    tagsOf(extractPost({ ...DANBOORU, tag_string_general: "a&amp;b" }))[0],
    "a&amp;b|general",
  );
});

Deno.test("extractPost() reads the texts by type that gallery-dl adds with tags: true", () => {
  const gelbooru = { ...GELBOORU, tags: "a b c", tags_artist: "a", tags_metadata: "b" };
  assertEquals(tagsOf(extractPost(gelbooru)), ["a|artist", "b|meta", "c|-"]);
  const moebooru = {
    ...MOEBOORU,
    tags: "a b c",
    tags_circle: "a",
    tags_faults: "b",
    tags_style: "c",
  };
  assertEquals(tagsOf(extractPost(moebooru)), ["a|artist", "b|meta", "c|general"]);
});

Deno.test("extractPost() takes the hash of a Gelbooru 0.2 post for its md5", () => {
  const { md5: _, ...post } = GELBOORU;
  const hash = "e0b8bce4a6136ca31be2fdcbc6bad8a7";
  assertEquals(extractPost({ ...post, hash }).md5, hash);
  assertEquals(extractPost({ ...PIXIV, hash }).md5, null);
});

Deno.test("extractPost() reads a Moebooru post", () => {
  const post = extractPost(MOEBOORU);
  assertEquals([post.kind, post.source, post.rating], ["moebooru", "konachan", "general"]);
  assertEquals(post.createdAt, "2023-03-17T04:15:46.000Z");
  assertEquals(tagsOf(post), ["black_hair|-", "goma_irasuto|-", "original|-"]);
});

Deno.test("extractPost() reads a Pixiv work, with its account as artist and its page as source", () => {
  const post = extractPost(PIXIV);
  assertEquals([post.kind, post.source, post.rating], ["pixiv", "pixiv", "general"]);
  assertEquals([post.md5, post.favCount, post.score], [null, 78, null]);
  assertEquals(post.createdAt, "2019-03-03T14:33:14.000Z");
  assertEquals(post.sourceUrls, ["https://www.pixiv.net/artworks/73498778"]);
  assertEquals(tagsOf(post), ["漫画|-", "pixivファンタジアls|-", "r-18|-", "saiko0430|artist"]);
});

Deno.test("extractPost() reads Pixiv's tags with translations, and x_restrict without a rating", () => {
  const { rating: _, ...work } = PIXIV;
  const post = extractPost({
    ...work,
    x_restrict: 2,
    user: { name: "ダレカ" },
    tags: [{ name: "漫画", translated_name: "manga" }, {
      name: "オリジナル",
      category: 1,
    }],
  });
  assertEquals(post.rating, "explicit");
  assertEquals(tagsOf(post), ["漫画|-", "オリジナル|-", "ダレカ|artist"]);
});

Deno.test("extractPost() reads the lists of Hydrus", () => {
  const lists = {
    tags: [
      "creator:Some One",
      "series:re:zero",
      "blue eyes",
      "rating:safe",
      "title:a b",
      "meta:scan",
    ],
    urls: ["https://example.org/1"],
  };
  for (const object of [lists, { metadata: lists }]) {
    const post = extractPost(object);
    assertEquals([post.kind, post.source, post.rating], ["hydrus", "hydrus", "general"]);
    assertEquals(post.sourceUrls, ["https://example.org/1"]);
    assertEquals(tagsOf(post), [
      "some_one|artist",
      "re:zero|copyright",
      "blue_eyes|-",
      "title:a_b|-",
      "scan|meta",
    ]);
  }
});

Deno.test("extractPost() reads the tags of sites that it does not know", () => {
  const text = { category: "somewhere", id: 5, tags: "blue hair, artist:foo, re:zero" };
  const post = extractPost(text);
  assertEquals([post.kind, post.source, post.postId], ["unknown", "somewhere", 5]);
  assertEquals(tagsOf(post), ["blue_hair|-", "foo|artist", "re:zero|-"]);
  assertEquals(tagsOf(extractPost({ ...text, tags: ["Blue Hair"] })), ["blue_hair|-"]);
  assertEquals(tagsOf(extractPost({ ...text, tags: "a b" })), ["a|-", "b|-"]);
});

Deno.test("extractPost() takes the name of the source that a post is stored under", () => {
  const post = extractPost({ id: 7, tags: { artist: ["x"] } }, { source: "pixiv" });
  assertEquals([post.kind, post.source, post.postId], ["pixiv", "pixiv", 7]);
  assertEquals(tagsOf(post), ["x|artist"]);
  assertEquals(extractPost(DANBOORU, { source: "copy" }).source, "copy");
});

Deno.test("extractPost() keeps a name under the strongest category of the post", () => {
  const post = extractPost({
    tag_string_general: "foo bar",
    tag_string_artist: "foo",
    tag_string_meta: "bar",
  });
  assertEquals(tagsOf(post), ["foo|artist", "bar|meta"]);
});

Deno.test("extractPost() reads what the original's tagger writes, as sidecar and as source", () => {
  const guess = {
    tags: {
      general: ["1girl", "solo"],
      character: ["kokomi"],
      copyright: [],
      artist: ["someone"],
      meta: ["highres"],
      species: [],
    },
    tagger_name: "some model",
    all_predictions: [{ tag_name: "blush", category: "general", confidence: 0.5 }],
  };
  const expected = [
    "1girl|general",
    "solo|general",
    "kokomi|character",
    "someone|artist",
    "highres|meta",
  ];
  const post = extractPost(guess);
  assertEquals([post.source, post.postId, post.rating], ["local_tagger", null, null]);
  assertEquals(tagsOf(post), expected);
  const stored = extractPost({ ...guess, rating: "s" }, { source: "camie_tagger" });
  assertEquals([stored.source, stored.rating], ["camie_tagger", "sensitive"]);
  assertEquals(tagsOf(stored), expected);
});

Deno.test("extractPost() counts a name of several categories once, the strongest first", () => {
  const order = ["character", "species", "copyright", "artist", "meta", "general"];
  for (const [i, strong] of order.entries()) {
    for (const weak of order.slice(i + 1)) {
      const post = extractPost({ id: 1, tags: { [weak]: ["x"], [strong]: ["x"] }, rating: "q" });
      assertEquals(tagsOf(post), [`x|${strong}`], `${strong} and ${weak}`);
    }
  }
});
