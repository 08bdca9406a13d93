import { assert, assertEquals, assertFalse, assertMatch, assertStringIncludes } from "@std/assert";
import { toPageNumbers } from "../../src/http/pages/paging.tsx";
import { HelpPage } from "../../src/http/pages/help.tsx";
import { ProblemPage } from "../../src/http/pages/problem.tsx";
import { TagsPage } from "../../src/http/pages/tags.tsx";
import { METATAGS } from "../../src/query/metatags.ts";
import { ORDERS } from "../../src/query/orders.ts";
import { parseQuery } from "../../src/query/parser.ts";
import {
  assertHarmless,
  attributesOf,
  HOSTILE,
  LOADING,
  makeImage,
  makeTag,
  ODD_TAGS,
  queryOf,
  renderGallery,
  STATUS,
} from "./page_fixtures.tsx";

Deno.test("Layout frames every page and runs one script from this server", () => {
  const page = renderGallery();
  assert(page.startsWith(`<!DOCTYPE html><html lang="en">`));
  assertStringIncludes(page, `href="/assets/style.css?v=1.2.3"`);
  assertStringIncludes(page, `<main id="content"`);
  assertStringIncludes(page, `href="#content"`);
  assertStringIncludes(page, `role="search"`);
  assertStringIncludes(page, "12,345 posts · 678 tags");
  assertEquals(page.match(/<h1/g)?.length, 1);
  assertFalse(page.includes("http-equiv"));
});

Deno.test("Layout tells how far the library is loaded and comes back without a script", () => {
  const page = renderGallery({ status: LOADING });
  assertStringIncludes(page, "Loading the library: 120,000 of 1,000,000 images…");
  assertMatch(page, /<progress [^>]*value="120000" max="1000000"/);
  assertStringIncludes(page, `<noscript><meta http-equiv="refresh" content="2"></noscript>`);
  const unknown = renderGallery({ status: { ...LOADING, progress: null, images: 0 } });
  assertStringIncludes(unknown, "Loading the library…");
  assertStringIncludes(unknown, "as soon as the library is loaded");
  assertFalse(unknown.includes("Your library is empty"));
});

Deno.test("GalleryPage shows totals, shapes and links back into the search", () => {
  const page = renderGallery({ query: "solo +_+" });
  assertStringIncludes(page, "12,345 posts");
  assertStringIncludes(page, `href="/posts/7?q=solo%20%2B_%2B"`);
  assertMatch(
    page,
    /<img src="\/thumbnails\/7\/x.webp" alt="[^"]*" width="360" height="240" loading="lazy"/,
  );
  assertStringIncludes(page, `alt="Picture 7: hatsune miku, +_+, solo"`);
  assertStringIncludes(page, `class="thumb s15"`);
  assertStringIncludes(renderGallery({ total: 1 }), "1 post<");
});

Deno.test("GalleryPage marks videos and animations", () => {
  const video = makeImage({ durationMs: 65_000 });
  video.urls.file = "/files/7/x.webm";
  const gif = makeImage();
  gif.urls.file = "/files/7/x.gif";
  assertStringIncludes(renderGallery({ images: [video] }), "▶ 1:05");
  assertStringIncludes(renderGallery({ images: [{ ...video, durationMs: null }] }), "▶ video");
  assertStringIncludes(renderGallery({ images: [gif] }), ">GIF<");
  const tagged = makeImage({ tags: { meta: ["animated"] } });
  assertStringIncludes(renderGallery({ images: [tagged] }), ">animated<");
});

Deno.test("GalleryPage refines the search by tag", () => {
  const page = renderGallery({ query: "solo", tags: ODD_TAGS.map((name) => makeTag(name)) });
  const queries = attributesOf(page, "href").map(queryOf);
  for (const tag of ODD_TAGS) {
    assert(queries.includes(`solo ${tag}`), `adds ${tag}`);
    assert(queries.includes(`solo -${tag}`), `excludes ${tag}`);
    assert(queries.includes(tag), `searches ${tag}`);
  }
  const chosen = renderGallery({ query: "solo hat", tags: [makeTag("hat")] });
  assertMatch(chosen, /href="\/posts\?q=solo" rel="nofollow" aria-label="Take hat out/);
});

Deno.test("GalleryPage sorts tags by category", () => {
  const page = renderGallery({
    tags: [makeTag("b", null), makeTag("c", "meta"), makeTag("a", "artist")],
  });
  const headings = [...page.matchAll(/<h3[^>]*>(\w+)</g)].map(([, text]) => text);
  assertEquals(headings, ["Artists", "General", "Meta"]);
  assertStringIncludes(page, `class="name general"`);
});

Deno.test("GalleryPage pages from the first to the last", () => {
  const first = renderGallery({ page: 1, pageCount: 3, next: "2" });
  assertFalse(first.includes(`rel="prev"`));
  assertMatch(first, /href="\/posts\?page=2" rel="next"/);
  assertStringIncludes(first, `aria-label="Page 1" aria-current="page"`);
  const last = renderGallery({
    query: "a",
    page: 3,
    pageCount: 3,
    next: null,
    limit: 100,
    askedLimit: 100,
  });
  assertStringIncludes(last, `href="/posts?q=a&amp;page=2&amp;limit=100" rel="prev"`);
  assertFalse(last.includes(`rel="next"`));
  const single = renderGallery({ page: 1, pageCount: 1, next: null });
  assertFalse(single.includes(`aria-label="Pages"`));
  const keyset = renderGallery({ page: null, pageCount: 309, next: "b12" });
  assertStringIncludes(keyset, `href="/posts?page=b12" rel="next"`);
  const beyond = renderGallery({ images: [], tags: [], page: 400, pageCount: 309, next: null });
  assertStringIncludes(beyond, "There is no page 400");
  assertStringIncludes(beyond, `href="/posts?page=309"`);
});

Deno.test("GalleryPage has a form to go to a page", () => {
  const page = renderGallery({ query: `a "b"`, limit: 100, askedLimit: 100, page: 5 });
  assertMatch(page, /<form class="jump" action="\/posts" method="get">/);
  assertStringIncludes(page, `name="q" value="a &quot;b&quot;"`);
  assertStringIncludes(page, `name="limit" value="100"`);
  assertMatch(page, /name="page" type="number" [^>]*min="1" max="309" value="5"/);
});

Deno.test("toPageNumbers keeps the ends and the neighbours", () => {
  assertEquals(toPageNumbers(1, 1), [1]);
  assertEquals(toPageNumbers(1, 3), [1, 2, 3]);
  assertEquals(toPageNumbers(1, 99), [1, 2, 3, null, 99]);
  assertEquals(toPageNumbers(5, 99), [1, 2, 3, 4, 5, 6, 7, null, 99]);
  assertEquals(toPageNumbers(50, 99), [1, null, 48, 49, 50, 51, 52, null, 99]);
  assertEquals(toPageNumbers(99, 99), [1, null, 97, 98, 99]);
});

Deno.test("GalleryPage tells how to fill an empty library", () => {
  const page = renderGallery({
    total: 0,
    images: [],
    tags: [],
    pageCount: 0,
    next: null,
    status: { ...STATUS, images: 0, tags: 0 },
  });
  assertStringIncludes(page, "Your library is empty");
  assertStringIncludes(page, "npx --yes deno@2.9.6 task import DIR");
  assertStringIncludes(page, "npx --yes deno@2.9.6 task import --in-place DIR");
  assertStringIncludes(page, "/home/mika/library");
});

Deno.test("GalleryPage suggests tags for unknown names and keeps the rest of the query", () => {
  const page = renderGallery({
    query: "solo -(mikku or hat)",
    total: 0,
    images: [],
    tags: [],
    pageCount: 0,
    next: null,
    unknown: [{ name: "mikku", suggestions: ["miku", 'tag:"-_-"'] }],
  });
  assertStringIncludes(page, "No post matches this search.");
  const queries = attributesOf(page, "href").map(queryOf);
  assert(queries.includes("solo -(miku or hat)"));
  assert(queries.includes('solo -(tag:"-_-" or hat)'));
  const one = renderGallery({
    query: "artist:miku",
    total: 0,
    images: [],
    unknown: [{ name: "miku", suggestions: ["miku"] }],
  });
  assertMatch(one, /No tag of that category is called <strong[^>]*>miku<\/strong>\. Did you mean/);
  assert(attributesOf(one, "href").map(queryOf).includes("miku"));
});

Deno.test("GalleryPage names tags that were read as operators", () => {
  const page = renderGallery({
    query: "a -_-",
    unknown: [{ name: "_-", suggestions: [] }, { name: "z", suggestions: [] }],
    literal: [{ word: "-_-", term: 'tag:"-_-"' }],
  });
  assertMatch(page, /There is a tag <strong[^>]*>-_-<\/strong>/);
  assert(attributesOf(page, "href").map(queryOf).includes('a tag:"-_-"'));
  assertFalse(page.includes(">_-<"));
  assertStringIncludes(page, ">z<");
});

Deno.test("GalleryPage keeps a limit of the search out of other searches", () => {
  const page = renderGallery({ query: "a limit:5", limit: 5, tags: [makeTag("hat")] });
  const hrefs = attributesOf(page, "href");
  assert(hrefs.includes("/posts?q=hat"));
  assert(hrefs.includes("/posts?q=a%20limit%3A5&page=2"));
  assertFalse(hrefs.some((href) => /[?&]limit=5/.test(href)));
  assertFalse(page.includes(`name="limit"`));
  // These beat it.
  assert(hrefs.includes("/posts?q=a%20limit%3A5&limit=40"));
  assert(hrefs.includes("/posts?q=a%20limit%3A5&limit=100"));
  const asked = renderGallery({ query: "a", limit: 100, askedLimit: 100, tags: [makeTag("hat")] });
  assert(attributesOf(asked, "href").includes("/posts?q=hat&limit=100"));
  assertStringIncludes(asked, `name="limit" value="100"`);
});

Deno.test("GalleryPage keeps what was typed of an order by chance, and leads on with its seed", () => {
  const page = renderGallery({ query: "random:7", seededQuery: "order:random:99 limit:7" });
  assertStringIncludes(page, `value="random:7"`);
  const queries = attributesOf(page, "href").map(queryOf);
  for (const wanted of ["order:random:99 limit:7", "order:random limit:7", "random:7 solo"]) {
    assert(queries.includes(wanted), wanted);
  }
  assertMatch(page, /q=order%3Arandom%20limit%3A7">Shuffle again</);
  assertFalse(renderGallery({ query: "solo" }).includes("Shuffle"));
});

Deno.test("GalleryPage says when it lists only some of the tags", () => {
  assertStringIncludes(renderGallery({ tagCount: 612 }), "The 1 most frequent of 612.");
  assertFalse(renderGallery().includes("most frequent"));
});

Deno.test("HelpPage explains every metatag and order with examples that work", () => {
  const page = String(<HelpPage status={STATUS} />);
  assertHarmless(page);
  for (const { name, aliases, summary } of METATAGS) {
    for (const word of [name, ...aliases]) assertStringIncludes(page, `<code>${word}:</code>`);
    assertStringIncludes(page, summary.replaceAll("'", "&#39;"));
  }
  for (const { name } of ORDERS) assertStringIncludes(page, `<code>order:${name}</code>`);
  const searches = attributesOf(page, "href").map(queryOf).filter((query) => query !== null);
  assert(searches.length > METATAGS.length);
  for (const search of searches) parseQuery(search);
  assertStringIncludes(page, `<a href="/help/search" aria-current="true">Help</a>`);
});

Deno.test("GalleryPage marks the faulty character with a caret", () => {
  const props = { images: [], tags: [], total: 0, pageCount: 0, next: null };
  const page = renderGallery({
    ...props,
    query: "long_hair - hat",
    syntaxError: { message: "Cannot", offset: 10, suggestion: "long_hair -hat" },
  });
  assertMatch(
    page,
    /long_hair <mark>-<span class="caret" aria-hidden="true">\^<\/span><\/mark> hat/,
  );
  assertStringIncludes(page, "at character 11 of 15 characters");
  assert(attributesOf(page, "href").map(queryOf).includes("long_hair -hat"));
  const cases: [string, number, string][] = [
    ["a -", 99, "a -<mark>\u00a0<"],
    ["a 😀 b", 3, "a <mark>😀<"],
    [`<b>`, 0, "<mark>&lt;<"],
    ["x".repeat(50_000), 25_000, `…${"x".repeat(80)}<mark>x<`],
  ];
  for (const [query, offset, expected] of cases) {
    const error = { message: "Cannot", offset, suggestion: null };
    assertStringIncludes(renderGallery({ ...props, query, syntaxError: error }), expected);
  }
});

Deno.test("GalleryPage escapes hostile queries, tags and names", () => {
  for (const text of HOSTILE) {
    const image = makeImage({ filepath: text, tags: { general: [text], artist: [text] } });
    const tags = [makeTag(text), makeTag(text, text)];
    assertHarmless(renderGallery({ query: text, images: [image], tags }));
    assertHarmless(renderGallery({
      query: text,
      images: [],
      total: 0,
      unknown: [{ name: text, suggestions: [text] }],
    }));
    assertHarmless(renderGallery({
      query: text,
      syntaxError: { message: text, offset: 1, suggestion: text },
    }));
    assertHarmless(renderGallery({
      images: [],
      total: 0,
      status: { ...STATUS, images: 0, version: text, libraryFolder: text },
    }));
  }
});

Deno.test("TagsPage lists tags with counts and filters by beginning", () => {
  const page = String(<TagsPage tags={[makeTag("+_+")]} prefix={`a"b`} status={STATUS} />);
  assertStringIncludes(page, `href="/posts?q=%2B_%2B"`);
  assertStringIncludes(page, "1,234");
  assertStringIncludes(page, `name="prefix" type="search" value="a&quot;b"`);
  assertStringIncludes(
    String(<TagsPage tags={[]} prefix="zz" status={STATUS} />),
    "No tag begins with zz.",
  );
  for (const text of HOSTILE) {
    const hostile = String(<TagsPage tags={[makeTag(text, text)]} prefix={text} status={STATUS} />);
    assertHarmless(hostile);
  }
});

Deno.test("ProblemPage says what happened and what helps", () => {
  const props = { statusCode: 404, title: "Not found", status: STATUS };
  const page = String(
    <ProblemPage {...props} detail="There is no post 9" remedy="Look in the trash" />,
  );
  for (const text of ["404", "Not found", "There is no post 9", "Look in the trash"]) {
    assertStringIncludes(page, text);
  }
  assertFalse(page.includes("Open the trash"));
  const link = { href: "/trash", text: "Open the trash" };
  assertStringIncludes(
    String(<ProblemPage {...props} detail="Gone" remedy={null} link={link} />),
    `<a href="/trash">Open the trash</a>`,
  );
  for (const text of HOSTILE) {
    assertHarmless(
      String(
        <ProblemPage statusCode={500} title={text} detail={text} remedy={text} status={STATUS} />,
      ),
    );
  }
});

Deno.test("assets stay small and load nothing from elsewhere", async () => {
  for (
    const [name, sizeBytesMax] of [
      ["style.css", 24_000],
      ["app.js", 6_000],
      [
        "complete.js",
        6_000,
      ],
      ["edit.js", 500],
      ["task.js", 2_000],
      ["icon.svg", 2_000],
    ]
  ) {
    const text = await Deno.readTextFile(
      new URL(`../../src/http/assets/${name}`, import.meta.url),
    );
    assert(new TextEncoder().encode(text).length < Number(sizeBytesMax), `${name} is too large`);
    const elsewhere = text.replaceAll("http://www.w3.org/2000/svg", "");
    assertFalse(/https?:\/\/|@import|innerHTML|url\(/.test(elsewhere), `${name} loads something`);
  }
});
