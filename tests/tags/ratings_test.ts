import { assertEquals } from "@std/assert";
import {
  hasOldDanbooruFields,
  isRating,
  isRatingTagName,
  parseRating,
  parseRatingName,
  type Rating,
  ratingOfTagName,
  RATINGS,
  ratingTagName,
} from "../../src/tags/ratings.ts";
import type { SiteKind } from "../../src/tags/site.ts";

Deno.test("parseRating() reads each site's own scale", () => {
  const cases: [SiteKind, unknown, Rating | null][] = [
    ["danbooru", "g", "general"],
    ["danbooru", "s", "sensitive"],
    ["danbooru", "q", "questionable"],
    ["danbooru", "e", "explicit"],
    ["danbooru", "S", "sensitive"],
    ["e621", "s", "general"],
    ["e621", "q", "questionable"],
    ["e621", "e", "explicit"],
    ["moebooru", "s", "general"],
    ["gelbooru", "general", "general"],
    ["gelbooru", "sensitive", "sensitive"],
    ["gelbooru", "Safe", "general"],
    ["gelbooru", "s", "general"],
    ["pixiv", "General", "general"],
    ["pixiv", "R-18", "explicit"],
    ["pixiv", "R-18G", "explicit"],
    ["pixiv", 0, "general"],
    ["pixiv", 1, "explicit"],
    ["pixiv", 2, "explicit"],
    ["hydrus", "safe", "general"],
    ["unknown", "explicit", "explicit"],
    ["danbooru", "0", null],
    ["danbooru", "R-18", null],
    ["e621", "", null],
    ["e621", "x", null],
    ["pixiv", 3, null],
    ["gelbooru", null, null],
    ["gelbooru", ["general"], null],
    ["gelbooru", "__proto__", null],
  ];
  for (const [kind, value, expected] of cases) {
    assertEquals(parseRating(value, kind), expected, `${kind} ${JSON.stringify(value)}`);
  }
});

Deno.test("parseRating() reads s as safe in a Danbooru post of the scale of three", () => {
  assertEquals(parseRating("s", "danbooru", true), "general");
  assertEquals(parseRating("q", "danbooru", true), "questionable");
});

Deno.test("hasOldDanbooruFields() goes by the fields that were removed", () => {
  assertEquals(hasOldDanbooruFields({ is_rating_locked: false }), true);
  assertEquals(hasOldDanbooruFields({ pool_string: "" }), true);
  assertEquals(hasOldDanbooruFields({ tag_string: "", created_at: "2015-01-01" }), false);
});

Deno.test("parseRatingName() reads what people type, as Danbooru does", () => {
  const cases: [string, Rating | undefined][] = [
    ["g", "general"],
    ["s", "sensitive"],
    ["q", "questionable"],
    ["e", "explicit"],
    ["safe", "sensitive"],
    ["general", "general"],
    ["Explicit", "explicit"],
    [" quest ", "questionable"],
    ["sens", "sensitive"],
    ["", undefined],
    ["x", undefined],
    ["generals", undefined],
    ["safest", undefined],
  ];
  for (const [text, expected] of cases) assertEquals(parseRatingName(text), expected, text);
});

Deno.test("ratingTagName() and ratingOfTagName() are inverse", () => {
  for (const rating of RATINGS) {
    assertEquals(isRating(rating), true);
    assertEquals(ratingTagName(rating), `rating:${rating}`);
    assertEquals(ratingOfTagName(ratingTagName(rating)), rating);
  }
});

Deno.test("ratingOfTagName() reads what lists of sites hold", () => {
  const cases: [string, Rating | undefined][] = [
    ["rating:safe", "general"],
    ["rating:s", "sensitive"],
    ["rating:e", "explicit"],
    ["rating:", undefined],
    ["rating:foo", undefined],
    ["general", undefined],
    ["ratings:general", undefined],
  ];
  for (const [name, expected] of cases) assertEquals(ratingOfTagName(name), expected, name);
  assertEquals(isRatingTagName("rating:foo"), true);
  assertEquals(isRating("safe"), false);
});
