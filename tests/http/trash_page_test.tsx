import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { PageMessage } from "../../src/http/pages/message.tsx";
import { type TrashedEntry, TrashPage } from "../../src/http/pages/trash.tsx";
import { assertHarmless, HOSTILE, STATUS } from "./page_fixtures.tsx";

const ENTRY: TrashedEntry = {
  id: 3,
  kind: "image",
  state: "trashed",
  imageId: 7,
  md5: "d41d8cd98f00b204e9800998ecf8427e",
  filepath: "ab/7.jpg",
  kept: null,
  sizeBytes: 5_000,
  trashedAt: "2024-05-01T12:34:56Z",
  tags: ["+_+"],
  thumbnail: "/thumbnails/7/x.webp",
};

function render(entries: TrashedEntry[], message: PageMessage | null = null, change = {}): string {
  const props = { entries, total: entries.length, page: 1, limit: 40, keepDays: null, ...change };
  return String(<TrashPage {...props} status={STATUS} message={message} />);
}

Deno.test("TrashPage offers to restore each entry, and to remove it only behind a second click", () => {
  const page = render([ENTRY]);
  assertStringIncludes(page, "Nothing is removed by itself");
  assertStringIncludes(page, `<form method="post" action="/trash/3/restore">`);
  assertStringIncludes(page, `aria-label="Restore: Post 7"`);
  assertStringIncludes(page, "2024-05-01 12:34 UTC");
  assertMatch(
    page,
    /<details><summary[^>]*>Remove for good<\/summary><form method="post" action="\/trash\/3\/delete">/,
  );
  assertStringIncludes(render([], null, { keepDays: 30 }), "Posts stay here for 30 days");
  const copy = render([{ ...ENTRY, kind: "duplicate", kept: "aa/1.jpg", imageId: null }]);
  assertStringIncludes(copy, "A copy");
  assertStringIncludes(copy, "aa/1.jpg");
  const empty = render([], { kind: "done", text: "Post 7 is back" });
  assertStringIncludes(empty, "The trash is empty.");
  assertMatch(empty, /role="status"><p>Post 7 is back/);
});

Deno.test("TrashPage leads to its other pages, and says that one is past the end", () => {
  const second = render([ENTRY], null, { total: 100, page: 2 });
  assertStringIncludes(second, `href="/trash?page=1"`);
  assertStringIncludes(second, `href="/trash?page=3"`);
  assertStringIncludes(second, "Page 2 of 3");
  assertStringIncludes(render([], null, { total: 3, page: 2 }), "There is nothing on this page.");
  assertEquals(render([ENTRY]).includes("?page="), false);
});

Deno.test("TrashPage shows hostile names as text", () => {
  for (const text of HOSTILE) {
    const hostile = {
      ...ENTRY,
      kind: "duplicate" as const,
      filepath: text,
      kept: text,
      state: text,
      trashedAt: text,
      tags: [text],
      thumbnail: text,
    };
    assertHarmless(render([hostile], { kind: "done", text }));
  }
});
