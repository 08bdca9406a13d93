import { assertEquals } from "@std/assert";
import { recogniseKind, recogniseSite, type SiteKind, toSourceName } from "../../src/tags/site.ts";

const DANBOORU = { id: 1, rating: "g", tag_string: "1girl", tag_string_artist: "someone" };
const E621 = { id: 1, file: { url: null }, score: { total: 1 }, flags: {}, tags: { general: [] } };
const GELBOORU = { id: 1, tags: "a b", image: "x.jpg", directory: "b4/a3", change: 1, owner: "x" };
const GELBOORU_V02 = { ...GELBOORU, hash: "e0b8bce4a6136ca31be2fdcbc6bad8a7" };
const MOEBOORU = { id: 1, tags: "a b", author: "x", creator_id: 4, change: 7, created_at: 1679026 };
const PIXIV = { id: 1, user: { account: "x" }, page_count: 1, x_restrict: 0, tags: [] };

type Case = [Record<string, unknown>, SiteKind, string];

function checkCases(cases: Case[]): void {
  for (const [post, kind, source] of cases) {
    assertEquals(recogniseSite(post), { kind, source }, JSON.stringify(post));
  }
}

Deno.test("recogniseSite() goes by the shape of a post without a category", () => {
  checkCases([
    [DANBOORU, "danbooru", "danbooru"],
    [{ tag_string: "" }, "danbooru", "danbooru"],
    [{ image_width: 1, image_height: 1, up_score: 1, is_deleted: false }, "danbooru", "danbooru"],
    [E621, "e621", "e621"],
    [GELBOORU, "gelbooru", "gelbooru"],
    [MOEBOORU, "moebooru", "moebooru"],
    [PIXIV, "pixiv", "pixiv"],
    [{ metadata: { tags: ["a"], urls: [] } }, "hydrus", "hydrus"],
    [{ tags: ["creator:a"] }, "hydrus", "hydrus"],
    [{ urls: ["https://example.org"] }, "hydrus", "hydrus"],
    [{ id: 1, tags: ["a"] }, "unknown", "unknown"],
    [{ tags: [1] }, "unknown", "unknown"],
    [{ frames: [], zip_urls: {} }, "unknown", "unknown"],
    [{}, "unknown", "unknown"],
  ]);
});

Deno.test("recogniseSite() keeps the name of a copy of this server", () => {
  checkCases([
    [{ ...DANBOORU, category: "127.0.0.1:8000" }, "danbooru", "127.0.0.1:8000"],
    [{ ...DANBOORU, category: "mybooru" }, "danbooru", "mybooru"],
    [{ ...DANBOORU, category: "My Booru!" }, "danbooru", "my_booru"],
    [{ ...DANBOORU, category: "[::1]:8000" }, "danbooru", "[::1]:8000"],
    [{ ...DANBOORU, file_url: "http://localhost:8000/data/x.jpg" }, "danbooru", "localhost:8000"],
    [{ ...E621, category: "mybooru" }, "e621", "mybooru"],
  ]);
});

Deno.test("recogniseSite() gives the name of a site only to posts of its kind", () => {
  checkCases([
    [{ ...DANBOORU, category: "e621" }, "danbooru", "danbooru_e621"],
    [{ ...DANBOORU, category: "yandere" }, "danbooru", "danbooru_yandere"],
    [{ ...DANBOORU, category: "local_tagger" }, "danbooru", "danbooru_local_tagger"],
    [{ ...PIXIV, category: "danbooru" }, "pixiv", "pixiv_danbooru"],
    [{ ...MOEBOORU, category: "gelbooru" }, "moebooru", "moebooru_gelbooru"],
    [{ id: 1, md5: "x", category: "danbooru" }, "unknown", "unknown_danbooru"],
    // Before 2020 e621 answered like a Moebooru, with the ids it has today.
    [{ ...MOEBOORU, category: "e621" }, "moebooru", "e621"],
  ]);
});

Deno.test("recogniseSite() knows gallery-dl's names and the sites that share their ids", () => {
  checkCases([
    [{ ...DANBOORU, category: "danbooru" }, "danbooru", "danbooru"],
    [{ ...DANBOORU, category: "safebooru" }, "danbooru", "danbooru"],
    [{ ...DANBOORU, category: "danbooru.donmai.us" }, "danbooru", "danbooru"],
    [{ ...DANBOORU, category: "aibooru" }, "danbooru", "aibooru"],
    [{ ...DANBOORU, category: "atfbooru" }, "danbooru", "atfbooru"],
    [{ ...E621, category: "e926" }, "e621", "e621"],
    [{ ...E621, category: "e6ai" }, "e621", "e6ai"],
    [{ ...GELBOORU, category: "safebooru" }, "gelbooru", "safebooru"],
    [{ ...GELBOORU_V02, category: "rule34" }, "gelbooru", "rule34"],
    [{ ...MOEBOORU, category: "yandere" }, "moebooru", "yandere"],
    [{ ...MOEBOORU, category: "konachan" }, "moebooru", "konachan"],
    [{ ...PIXIV, category: "pixiv" }, "pixiv", "pixiv"],
  ]);
});

Deno.test("recogniseSite() reads the site off the address of the file", () => {
  const url = (host: string) => `https://${host}/data/x.jpg`;
  checkCases([
    [{ ...DANBOORU, file_url: url("cdn.donmai.us") }, "danbooru", "danbooru"],
    [{ ...DANBOORU, file_url: url("notdonmai.us") }, "danbooru", "notdonmai.us"],
    [{ ...DANBOORU, file_url: "/data/x.jpg" }, "danbooru", "danbooru"],
    [{ ...DANBOORU, file_url: url("cdn.aibooru.online") }, "danbooru", "aibooru"],
    [{ ...E621, file: { url: url("static1.e621.net") } }, "e621", "e621"],
    [{ ...E621, file: { url: url("static1.e6ai.net") } }, "e621", "e6ai"],
    [{ ...GELBOORU, file_url: url("img3.gelbooru.com") }, "gelbooru", "gelbooru"],
    [{ ...GELBOORU, file_url: "//safebooru.org/images/x.jpg" }, "gelbooru", "safebooru"],
    [{ ...GELBOORU_V02, file_url: url("img3.gelbooru.com") }, "gelbooru", "gelbooru"],
    [GELBOORU_V02, "gelbooru", "gelbooru_v02"],
    [{ ...MOEBOORU, file_url: url("files.yande.re") }, "moebooru", "yandere"],
    [{ ...MOEBOORU, file_url: url("konachan.net") }, "moebooru", "konachan"],
    [{ ...MOEBOORU, file_url: "javascript:alert(1)" }, "moebooru", "moebooru"],
    [{ ...MOEBOORU, file_url: "ftp://example.org/x.jpg" }, "moebooru", "moebooru"],
  ]);
});

Deno.test("recogniseSite() falls back to the category of a post cut down to a few fields", () => {
  checkCases([
    [{ id: 1, tags: ["a"], category: "danbooru" }, "danbooru", "danbooru"],
    [{ id: 1, rating: "s", category: "e621" }, "e621", "e621"],
    [{ id: 1, tags: ["a"], category: "twitter" }, "unknown", "twitter"],
    [{ id: 1, tags: ["a"], category: ["danbooru"] }, "unknown", "unknown"],
  ]);
});

Deno.test("recogniseKind() trusts the name only where the shape says nothing", () => {
  const cases: [Record<string, unknown>, string, SiteKind][] = [
    [DANBOORU, "mybooru", "danbooru"],
    [GELBOORU, "danbooru", "gelbooru"],
    [{ tags: { artist: ["x"] } }, "pixiv", "pixiv"],
    [{ tags: { artist: ["x"] } }, "local_tagger", "danbooru"],
    [{ tags: { artist: ["x"] } }, "constructor", "unknown"],
  ];
  for (const [post, source, kind] of cases) assertEquals(recogniseKind(post, source), kind, source);
});

Deno.test("toSourceName() gives names that are safe to store", () => {
  const cases: [string | undefined, string | undefined][] = [
    [" Booru.Example:80 ", "booru.example:80"],
    ["__proto__", "proto"],
    ["a b/../c", "a_b_.._c"],
    ["x".repeat(1000), "x".repeat(64)],
    ["!?", undefined],
    ["", undefined],
    [undefined, undefined],
  ];
  for (const [text, expected] of cases) assertEquals(toSourceName(text), expected, text);
});
