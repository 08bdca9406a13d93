import { assertEquals, assertFalse, assertMatch, assertStringIncludes } from "@std/assert";
import type { PageMessage } from "../../src/http/pages/message.tsx";
import {
  assertHarmless,
  FACTS,
  HOSTILE,
  makeImage,
  makeTag,
  NO_RELATIONS,
  renderPost,
} from "./page_fixtures.tsx";

Deno.test("PostPage shows the picture, its facts and its neighbours", () => {
  const page = renderPost({ position: { number: 81, total: 12_345 } });
  assertMatch(page, /<img src="\/files\/7\/x.jpg" [^>]*width="1200" height="800"/);
  for (
    const text of [
      "1,200 × 800 px",
      "JPG, 3.3 MB",
      "General",
      "danbooru",
      "81 of 12,345",
      "photo.jpg",
    ]
  ) {
    assertStringIncludes(page, text);
  }
  assertStringIncludes(
    page,
    `<time datetime="2024-05-01T12:34:56.000Z">2024-05-01 12:34 UTC</time>`,
  );
  assertStringIncludes(page, "@nas/copy of 7.jpg");
  assertStringIncludes(page, `href="/posts/8?q=solo" rel="prev"`);
  assertStringIncludes(page, `href="/posts/6?q=solo" rel="next"`);
  assertStringIncludes(page, `href="/posts?q=solo&amp;page=3"`);
  assertStringIncludes(page, `<pre class="raw">{&quot;id&quot;:1}</pre>`);
  const small = renderPost({ position: { number: 81, total: 12_345 }, pageSize: 5 });
  assertStringIncludes(small, `href="/posts?q=solo&amp;page=17"`);
  const alone = renderPost({ previous: null, next: null });
  assertFalse(/rel="(prev|next)"/.test(alone));
});

Deno.test("PostPage links its posts at sites, here and there", () => {
  const page = renderPost({
    known: [
      { site: "danbooru", id: 101 },
      { site: "my_host", id: 7 },
      { site: "other", id: null },
    ],
  });
  assertStringIncludes(
    page,
    `<a href="https://danbooru.donmai.us/posts/101" rel="noreferrer noopener nofollow">danbooru</a>`,
  );
  assertMatch(page, /href="\/posts\?q=danbooru%3A101" aria-label="[^"]*">#101</);
  assertMatch(page, /<li>my_host <a href="\/posts\?q=post_id%3A7"[^>]*>#7</);
  assertStringIncludes(page, "<li>other</li>");
});

Deno.test("PostPage shows parent, children, pools and whether it is a favourite", () => {
  const alone = renderPost();
  assertFalse(/Parent|>Child|Pool/.test(alone));
  assertMatch(alone, /<form class="favourite" method="post" action="\/posts\/7\/favourite">/);
  assertMatch(alone, /name="favourite" value="yes"><button type="submit" aria-pressed="false"/);
  const page = renderPost({
    relations: {
      parent: makeImage({ id: 3 }),
      children: [makeImage({ id: 8 }), makeImage({ id: 9 })],
      childCount: 30,
      pools: [{ id: 5, name: "My_<b>Pool</b>", place: 2, count: 12 }],
      isFavourite: true,
    },
  });
  for (const id of [3, 8, 9]) assertStringIncludes(page, `<a href="/posts/${id}">`);
  assertStringIncludes(page, "30 children");
  assertStringIncludes(page, `href="/posts?q=parent%3A3%20order%3Aid"`);
  assertMatch(page, /href="\/posts\?q=ordpool%3A5"><bdi>My &lt;b&gt;Pool&lt;\/b&gt;<\/bdi>/);
  assertStringIncludes(page, "2 of 12 posts");
  assertMatch(page, /name="favourite" value="no"><button type="submit" aria-pressed="true"/);
});

Deno.test("PostPage plays videos with controls", () => {
  const image = makeImage();
  image.urls.file = "/files/7/x.mp4";
  const page = renderPost({ image, facts: { ...FACTS, fileExt: "mp4", durationMs: 65_000 } });
  assertMatch(page, /<video src="\/files\/7\/x.mp4" [^>]*controls[^>]*loop[^>]*playsinline/);
  assertStringIncludes(page, `preload="metadata"`);
  assertStringIncludes(page, "1:05");
  assertFalse(page.includes("full-size"));
});

Deno.test("PostPage leaves out facts that nobody knows", () => {
  const page = renderPost({
    image: makeImage({ width: null, height: null, score: null, rating: null, tags: {} }),
    tags: [],
    known: [],
    facts: {
      fileExt: null,
      sizeBytes: null,
      durationMs: null,
      frameRate: null,
      videoCodec: null,
      hasAudio: null,
      sourceUrl: " ",
      postedAt: null,
      originalName: null,
      ingestedAt: null,
      sources: [],
      places: [],
      missingSinceMs: null,
      metadata: null,
    },
  });
  const names = [...page.matchAll(/<dt>([^<]*)</g)].map(([, name]) => name);
  assertEquals(names, ["Id", "File", "Rating", "MD5", "Place"]);
  assertStringIncludes(page, "Not rated");
  assertStringIncludes(page, "No tags yet.");
  assertFalse(/null|undefined|NaN/.test(page));
});

Deno.test("PostPage has forms that work without a script", () => {
  const page = renderPost();
  assertStringIncludes(page, `<form method="post" action="/posts/7/tags">`);
  assertStringIncludes(page, `<input type="hidden" name="old_tags" value="solo hatsune_miku">`);
  assertMatch(page, /<textarea [^>]*name="tags"[^>]*>solo\nhatsune_miku<\/textarea>/);
  assertMatch(page, /<option value="general" selected[^>]*>General/);
  assertMatch(
    page,
    /<details class="panel"><summary>Delete this post<\/summary><form method="post" action="\/posts\/7\/delete">/,
  );
});

Deno.test("PostPage reports what was saved and keeps what was not", () => {
  const saved: PageMessage = { kind: "saved", added: ["smile"], removed: ["hat", "cat"] };
  const page = renderPost({ message: saved });
  assertStringIncludes(page, "1 tag added: smile");
  assertStringIncludes(page, "2 tags removed: hat cat");
  const failed = renderPost({
    message: { kind: "error", text: "Cannot use that", remedy: "Use another" },
    draft: { tags: "typed a*b", rating: "explicit" },
  });
  assertMatch(failed, /role="alert"><p>Cannot use that<\/p><p>Use another<\/p>/);
  assertMatch(failed, /<textarea [^>]*>typed a\*b<\/textarea>/);
  assertStringIncludes(failed, `name="old_tags" value="solo hatsune_miku"`);
  assertMatch(failed, /<option value="explicit" selected/);
  const before = { tags: "typed", rating: "", oldTags: "solo", oldRating: "explicit" };
  const again = renderPost({ draft: before });
  assertStringIncludes(again, `name="old_tags" value="solo"`);
  assertStringIncludes(again, `name="old_rating" value="explicit"`);
});

Deno.test("PostPage links only web sources and escapes hostile facts", () => {
  const page = renderPost({
    facts: { ...FACTS, sourceUrl: "javascript:alert(1) https://ok.example/1" },
  });
  assertStringIncludes(page, "<span>javascript:alert(1)</span>");
  assertStringIncludes(page, `<a href="https://ok.example/1" rel="noreferrer noopener nofollow">`);
  for (const text of HOSTILE) {
    // The box for tags shows what is stored, sign by sign: it must come back unchanged.
    const stored = text.includes("\u202e") ? "solo" : text;
    const hostile = renderPost({
      image: makeImage({ filepath: text, tags: { general: [text] } }),
      query: text,
      tags: [makeTag(stored), makeTag(stored, "artist")],
      known: [{ site: text, id: 5 }, { site: text, id: null }],
      relations: {
        ...NO_RELATIONS,
        parent: makeImage({ filepath: text, tags: { general: [text] } }),
        pools: [{ id: 1, name: text, place: 1, count: 1 }],
      },
      facts: {
        fileExt: text,
        sizeBytes: 1,
        durationMs: 1,
        frameRate: 23.976,
        videoCodec: text,
        hasAudio: true,
        sourceUrl: text,
        postedAt: text,
        originalName: text,
        ingestedAt: text,
        sources: [text],
        places: [text, text],
        missingSinceMs: 5,
        metadata: text,
      },
      message: { kind: "saved", added: [text], removed: [text] },
    });
    assertHarmless(hostile);
  }
});
