import { assertEquals, assertFalse, assertMatch } from "@std/assert";
import type { TagId } from "../../src/base/ids.ts";
import { GalleryPage, type GalleryProps } from "../../src/http/pages/gallery.tsx";
import type { PageStatus } from "../../src/http/pages/page_status.ts";
import { PostPage, type PostProps } from "../../src/http/pages/post.tsx";
import type { ListedImage } from "../../src/http/pages/thumbnail.tsx";
import type { PostRelations } from "../../src/library/post_relations.ts";
import type { CountedTag } from "../../src/query/tag_list.ts";
import type { ImageFacts } from "../../src/store/images.ts";

/** A library that is loaded. */
export const STATUS: PageStatus = {
  loading: false,
  progress: null,
  images: 12_345,
  tags: 678,
  version: "1.2.3",
  libraryFolder: "/home/mika/library",
};
/** A library that is being loaded. */
export const LOADING: PageStatus = {
  ...STATUS,
  loading: true,
  progress: { done: 120_000, total: 1_000_000 },
};

/** Names that are legal or come from outside, and that markup or addresses could trip over. */
export const HOSTILE = [
  `<script>alert(1)</script>`,
  `"onmouseover="alert(1)`,
  `'><img src=x onerror=alert(1)>`,
  `a&amp;b`,
  `</textarea><script>alert(2)</script>`,
  `\u202egpj.exe`,
  `\ud800`,
];
/** Names with signs that mean something in an address. */
export const ODD_TAGS = [
  "+_+",
  "cat&dog",
  "#hashtag",
  "100%",
  `"quoted"`,
  "re:zero",
  "foo_(bar)",
  "é/ü?",
];

/** Makes a tag that 1,234 images have. */
export function makeTag(name: string, category: string | null = "general"): CountedTag {
  return { id: 1 as TagId, name, category, count: 1234 };
}

/** Makes an image, with some of its fields as given. */
export function makeImage(change: Partial<ListedImage> = {}): ListedImage {
  return {
    id: 7,
    filepath: "ab/7.jpg",
    md5: "d41d8cd98f00b204e9800998ecf8427e",
    width: 1200,
    height: 800,
    rating: "general",
    score: 5,
    tags: { character: ["hatsune_miku"], general: ["+_+", "solo"] },
    urls: { file: "/files/7/x.jpg", thumbnail: "/thumbnails/7/x.webp", page: "/posts/7" },
    ...change,
  };
}

/** Renders the list of posts, with some of its props as given. */
export function renderGallery(change: Partial<GalleryProps> = {}): string {
  const props: GalleryProps = {
    query: "",
    total: 12_345,
    images: [makeImage()],
    page: 1,
    pageCount: 309,
    limit: 40,
    next: "2",
    tags: [makeTag("solo")],
    tookMs: 2.4,
    unknown: [],
    syntaxError: null,
    status: STATUS,
    ...change,
  };
  return String(<GalleryPage {...props} />);
}

/** What is known about the image of {@link makeImage}. */
export const FACTS: ImageFacts = {
  fileExt: "jpg",
  sizeBytes: 3_412_345,
  durationMs: null,
  frameRate: null,
  videoCodec: null,
  hasAudio: null,
  sourceUrl: "https://example.org/1",
  postedAt: "2023-04-05T06:07:08.000-05:00",
  originalName: "photo.jpg",
  ingestedAt: "2024-05-01 12:34:56",
  sources: ["danbooru"],
  places: ["ab/7.jpg", "@nas/copy of 7.jpg"],
  missingSinceMs: null,
  metadata: `{"id":1}`,
};

/** An image that has nothing to do with others. */
export const NO_RELATIONS: PostRelations = {
  parent: null,
  children: [],
  childCount: 0,
  pools: [],
  isFavourite: false,
};

/** Renders the page of a post, with some of its props as given. */
export function renderPost(change: Partial<PostProps> = {}): string {
  const props: PostProps = {
    image: makeImage(),
    facts: FACTS,
    known: [{ site: "danbooru", id: 101 }, { site: "some_site", id: null }],
    relations: NO_RELATIONS,
    tags: [makeTag("solo"), makeTag("hatsune_miku", "character")],
    query: "solo",
    previous: 8,
    next: 6,
    message: null,
    status: STATUS,
    ...change,
  };
  return String(<PostPage {...props} />);
}

/** Values of an attribute in the order of the page, as a browser reads them. */
export function attributesOf(page: string, name: string): string[] {
  return [...page.matchAll(new RegExp(` ${name}="([^"]*)"`, "g"))].map(([, value]) =>
    value.replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&lt;", "<")
      .replaceAll("&gt;", ">").replaceAll("&amp;", "&")
  );
}

/** The search that an address on this server leads to. */
export function queryOf(href: string): string | null {
  return new URL(href, "http://localhost").searchParams.get("q");
}

/** Checks what no text from outside may cause. */
export function assertHarmless(page: string): void {
  assertEquals(page.match(/<script/g)?.length, 1, "one script: our own");
  assertFalse(/<[^>]* on\w+=/.test(page.replace(/"[^"]*"/g, '""')), "no handlers");
  assertFalse(/<[^>]* style=/.test(page), "no inline style");
  assertFalse(page.includes("<img src=x"));
  // The value of a field goes back to the server as it is.
  assertFalse(page.replace(/ value="[^"]*"/g, "").includes("\u202e"), "no direction marks");
  for (const href of attributesOf(page, "(?:href|src|action)")) {
    assertMatch(href, /^(\/|#|https?:\/\/)/);
  }
}
