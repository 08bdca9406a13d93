import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { askAbout, askAboutEdits, toRemedy, withoutRemedy } from "../../src/library/watch_ask.ts";
import { type RootPlan, WatchedRoot } from "../../src/library/watched_root.ts";
import { WatchPanel } from "../../src/http/pages/watch.tsx";

const PLAN: RootPlan = { name: "@my pics", path: "/disk/my pics", mode: "in-place" };

Deno.test("askAbout() names the command where a command asks, and the page where the server does", () => {
  const byCommand = new WatchedRoot(PLAN, 1);
  const { message, missing } = askAbout(byCommand, 15, 20);
  assertEquals(missing, 15);
  assertEquals(
    message,
    "15 of 20 recorded files of /disk/my pics are missing. If that is right, confirm it: " +
      "deno task watch --accept-missing '@my pics'",
  );
  const byServer = new WatchedRoot(PLAN, 1, { asksOnPage: true });
  for (
    const [halt, button] of [
      [askAbout(byServer, 15, 20), "They are gone for good"],
      [askAboutEdits(byServer, 15, 20), "They were edited"],
    ] as const
  ) {
    assertStringIncludes(halt.message, `on the server's page /library: "${button}"`);
    assert(!halt.message.includes("--accept-missing"), halt.message);
  }
});

Deno.test("toRemedy() names what the page has, which says it without the remedy", () => {
  for (const asksOnPage of [true, false]) {
    for (const answer of ["missing", "edited"] as const) {
      const root = new WatchedRoot(PLAN, 1, { asksOnPage });
      const { message, state } = answer === "missing"
        ? askAbout(root, 15, 20)
        : askAboutEdits(root, 15, 20);
      const status = {
        ...root.status,
        state,
        message,
        missingAsked: answer === "missing" ? 15 : null,
        editedAsked: answer === "edited" ? 15 : null,
      };
      const page = String(
        WatchPanel({ roots: [{ name: PLAN.name, path: PLAN.path, status }], isWatching: true }),
      );
      assert(!page.includes("If that is right"), page);
      assertStringIncludes(page, withoutRemedy(message));
      const named = /"(.*)"/.exec(toRemedy(root, answerOf(answer)))?.[1];
      if (asksOnPage) assertStringIncludes(page, `>${named}</summary>`);
      else assertEquals(named, undefined);
    }
  }
});

function answerOf(answer: "missing" | "edited"): "They are gone for good" | "They were edited" {
  return answer === "missing" ? "They are gone for good" : "They were edited";
}

Deno.test("withoutRemedy() leaves what has none as it is", () => {
  assertEquals(withoutRemedy("There is no folder /x"), "There is no folder /x");
  const root = new WatchedRoot({ ...PLAN, path: "/a If that is right, /b" }, 1);
  assertEquals(
    withoutRemedy(askAbout(root, 1, 2).message),
    "1 of 2 recorded files of /a If that is right, /b are missing.",
  );
});
