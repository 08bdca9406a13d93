import { assert, assertEquals } from "@std/assert";
import axe from "axe-core";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { makePicture } from "../media/sample_media.ts";
import { listen, md5, startServer, type TestServer, until } from "../http/support.ts";
import { isFullTier } from "../support/tier.ts";

const EXECUTABLE = Deno.env.get("CHROMIUM") ?? "/usr/bin/chromium";

/** Starts Chromium with an empty profile; says what to install when there is none. */
async function launch(): Promise<Browser> {
  try {
    await Deno.stat(EXECUTABLE);
  } catch (error) {
    throw new Error(
      `There is no ${EXECUTABLE}: install the package "chromium" (apt-get install chromium), ` +
        "or name another one with CHROMIUM",
      { cause: error },
    );
  }
  return await chromium.launch({
    executablePath: EXECUTABLE,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
}

// Texts, because they run in the page, whose names are not those of this program.
const REPORT_POLICY = `addEventListener("securitypolicyviolation", (event) =>
  console.error("policy: " + event.violatedDirective + " " + event.blockedURI))`;
const SIDEWAYS_PX = "document.documentElement.scrollWidth - document.documentElement.clientWidth";

/** Records a second of a changing colour; gives the WebM as base64. */
const RECORD_VIDEO = `(async () => {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d");
  const recorder = new MediaRecorder(canvas.captureStream(10), { mimeType: "video/webm" });
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const stopped = new Promise((resolve) => recorder.onstop = resolve);
  recorder.start();
  for (let i = 0; i < 8; i++) {
    context.fillStyle = "hsl(" + i * 40 + ", 80%, 50%)";
    context.fillRect(0, 0, canvas.width, canvas.height);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  recorder.stop();
  await stopped;
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  return btoa(String.fromCharCode(...bytes));
})()`;

type Opened = { page: Page; server: TestServer; faults: string[]; origin: string };

/** Opens a browser on a library of three posts, and fails on errors of scripts and of the policy. */
async function withPage(
  options: BrowserContextOptions,
  test: (opened: Opened) => Promise<void>,
): Promise<void> {
  await using server = await startServer({
    tags: [{ name: "miku", category: "character" }, { name: "somebody", category: "artist" }],
    pictures: await Promise.all([1, 2, 3].map(async (i) => ({
      bytes: await makePicture("jpeg", { width: 200 * i, height: 160 }),
      filepath: `${i}.jpg`,
      tags: i === 1 ? ["miku", "solo", "somebody", "-_-"] : ["solo"],
      columns: { image_width: 200 * i, image_height: 160 },
      sourceUrl: "https://example.com/1",
      metadata: { sources: { danbooru: { id: i } } },
    }))),
  });
  await using socket = listen(server.app);
  const browser = await launch();
  try {
    const context = await browser.newContext({ ...options, baseURL: socket.origin });
    const page = await context.newPage();
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(`page error: ${error.message}`));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) faults.push(message.text());
    });
    page.on("requestfailed", (request) => {
      // A page that is left ends what it was still loading.
      const text = request.failure()?.errorText ?? "";
      if (!/ERR_ABORTED/.test(text)) faults.push(`${request.url()} ${text}`);
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(`${socket.origin}/`)) faults.push(`asks for ${request.url()}`);
    });
    await test({ page, server, faults, origin: socket.origin });
    await context.close();
    assertEquals(faults, []);
  } finally {
    await browser.close();
  }
}

/** What a person does with a library: search, open, edit, delete, restore. */
async function useLibrary({ page, server }: Opened): Promise<void> {
  await page.goto("/");
  assertEquals(await page.locator("ul.grid li").count(), 3);
  await page.fill("#q", "miku -hat");
  await page.press("#q", "Enter");
  await page.waitForURL(/\/posts\?q=/);
  assertEquals(await page.locator("ul.grid li").count(), 1);
  await page.locator("ul.grid a").first().click();
  await page.waitForURL(/\/posts\/1\b/);
  await page.locator(".stage img").waitFor();
  await page.fill("#edit-tags", "miku brand_new artist:painter");
  await page.selectOption("#edit-rating", "sensitive");
  await Promise.all([page.waitForURL(/done=/), page.getByRole("button", { name: "Save" }).click()]);
  await page.getByText("Saved").first().waitFor();
  const { body } = await server.json("/api/images/1");
  assertEquals([body.rating, body.tags], ["sensitive", {
    general: ["brand_new"],
    character: ["miku"],
    artist: ["painter"],
  }]);
  await page.fill("#edit-tags", "miku -bad");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("alert").waitFor();
  assertEquals(await page.inputValue("#edit-tags"), "miku -bad");
  await page.goto("/posts/1");
  await page.getByText("Delete this post").click();
  await page.getByRole("button", { name: "Move to the trash" }).click();
  await page.waitForURL(/\/trash/);
  await page.getByText("Post 1 is in the trash").waitFor();
  assertEquals((await server.json("/api/images")).body.total, 2);
  await page.getByRole("button", { name: "Restore: Post 1" }).click();
  await page.waitForURL(/\/posts\/1\b/);
  await page.getByText("Post 1 is back").waitFor();
  assertEquals((await server.json("/api/images")).body.total, 3);
  await page.goto("/posts?q=-+x");
  await page.getByText("cannot be understood").waitFor();
}

/** What a person does with copies: search, keep one of a group, move the others of all. */
async function removeCopies({ page, server }: Opened): Promise<void> {
  const { images } = server.library.paths;
  for (const [from, to] of [["1.jpg", "a1.jpg"], ["1.jpg", "b1.jpg"], ["2.jpg", "z2.jpg"]]) {
    await Deno.copyFile(join(images, from), join(images, to));
  }
  await page.goto("/posts");
  await page.getByRole("link", { name: "Library" }).click();
  await page.getByRole("button", { name: "Search for duplicates" }).click();
  // The page of the task follows it by itself, with scripts and without.
  await page.getByRole("link", { name: "Look through the copies" }).click();
  await page.getByText("3 copies of 2 files can go").waitFor();
  await page.getByRole("radio", { name: "b1.jpg" }).check();
  await page.getByRole("button", { name: "Post 1: keep this one" }).click();
  await page.getByText("b1.jpg stays").waitFor();
  await page.getByRole("button", { name: "Move the copy to the trash" }).click();
  await page.getByRole("button", { name: "Move 1 copy to the trash" }).click();
  await page.getByText("1 copy is in the trash").waitFor();
  const left = [...Deno.readDirSync(images)].filter(({ isFile }) => isFile);
  assertEquals(left.map(({ name }) => name).sort(), ["2.jpg", "3.jpg", "b1.jpg"]);
}

/** Sends a tag list, and follows the task that takes it in. */
async function importTagList({ page, server }: Opened): Promise<void> {
  await page.goto("/library");
  const buffer = Buffer.from('miku,4,100,"hatsune"\n');
  await page.setInputFiles("#list", { name: "tags.csv", mimeType: "text/csv", buffer });
  await page.getByRole("button", { name: "Import the list" }).click();
  await page.getByText("1 row used").waitFor();
  assertEquals((await server.json("/api/images?q=hatsune")).body.total, 1);
}

/** Faults of the pages that are shown on purpose: an answer of 400 or 404 is an error to the console. */
function forgetStatuses(faults: string[]): void {
  const kept = faults.filter((fault) => !/status of 40[04]/.test(fault));
  faults.splice(0, faults.length, ...kept);
}

/** Tasks with something to tell; gives their pages. */
async function makeTasks(server: TestServer): Promise<string[]> {
  const { images } = server.library.paths;
  await Deno.copyFile(join(images, "1.jpg"), join(images, "copies of 1.jpg"));
  const pages: string[] = [];
  for (const [path, body] of [["/api/dedupe", {}], ["/api/check", {}], ["/api/backup", {}]]) {
    const { id } = (await server.send("POST", path as string, body)).body;
    await until("it ends", () => server.library.tasks.get(id)!.endedAt !== null);
    pages.push(`/tasks/${id}`);
  }
  return pages;
}

/** Names of the rules of accessibility that a page breaks, with the elements. */
async function brokenRules(page: Page): Promise<string[]> {
  // The policy of the pages forbids scripts in the page's own world; the tool runs beside it.
  const session = await page.context().newCDPSession(page);
  const { frameTree } = await session.send("Page.getFrameTree");
  const world = await session.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id });
  const contextId = world.executionContextId;
  await session.send("Runtime.evaluate", { expression: axe.source, contextId });
  const { result, exceptionDetails } = await session.send("Runtime.evaluate", {
    expression: `axe.run(document).then(({ passes, violations }) =>
      passes.length < 10 ? ["only " + passes.length + " rules were checked"] :
      violations.flatMap(({ id, nodes }) =>
        nodes.map(({ target, failureSummary }) => id + " " + target + " " + failureSummary)))`,
    contextId,
    awaitPromise: true,
    returnByValue: true,
  });
  if (exceptionDetails !== undefined) throw new Error(exceptionDetails.text);
  await session.detach();
  return result.value;
}

if (isFullTier) {
  Deno.test("without JavaScript everything works: search, post, edit, delete, restore", async () => {
    await withPage({ javaScriptEnabled: false }, async (opened) => {
      await useLibrary(opened);
      forgetStatuses(opened.faults);
    });
  });

  Deno.test("with JavaScript everything works, without an error and without breaking the policy", async () => {
    await withPage({}, async (opened) => {
      const { page, faults } = opened;
      await page.addInitScript({ content: REPORT_POLICY });
      await useLibrary(opened);
      await page.goto("/posts");
      await page.fill("#q", "");
      await page.locator("#q").pressSequentially("bra");
      const row = page.getByRole("option").first();
      await row.waitFor();
      assert((await row.textContent())!.startsWith("brand_new"));
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Enter");
      assertEquals((await page.inputValue("#q")).trim(), "brand_new");
      const { urls } = (await opened.server.json("/api/images/1")).body;
      for (const path of [urls.file, urls.thumbnail, "/tags?prefix=s", "/trash", "/nothing"]) {
        await page.goto(path);
      }
      forgetStatuses(faults);
    });
  });

  for (const javaScriptEnabled of [false, true]) {
    const how = javaScriptEnabled ? "with" : "without";
    Deno.test(`duplicates and tag lists are done with from pages, ${how} JavaScript`, async () => {
      await withPage({ javaScriptEnabled }, async (opened) => {
        if (javaScriptEnabled) await opened.page.addInitScript({ content: REPORT_POLICY });
        await removeCopies(opened);
        await importTagList(opened);
      });
    });
  }

  Deno.test("a task's page shows how far it is, and cancels it, without being loaded anew", async () => {
    await withPage({}, async ({ page, server }) => {
      const ended = Promise.withResolvers<void>();
      let tell = (_done: number) => {};
      const { id } = server.library.tasks.start("check", ({ signal, report }) => {
        tell = (done) => report({ done, total: 1_000, message: "files" });
        signal.addEventListener("abort", () => ended.reject(signal.reason));
        return ended.promise;
      });
      await page.goto(`/tasks/${id}`);
      await page.evaluate("globalThis.isSamePage = true");
      for (const done of [10, 700]) {
        tell(done);
        await page.getByText(`Looking at files: ${done} of 1,000`).waitFor();
        assertEquals(await page.locator("progress").getAttribute("value"), String(done));
      }
      assertEquals(await page.evaluate("globalThis.isSamePage"), true);
      await page.getByRole("button", { name: "Cancel" }).click();
      await page.getByRole("heading", { name: "Cancelled" }).waitFor();
    });
  });

  Deno.test("the search box completes within the search, by keyboard", async () => {
    await withPage({}, async ({ page }) => {
      await page.goto("/posts");
      /** Types and gives the rows that appear. */
      const complete = async (text: string) => {
        await page.fill("#q", "");
        const answer = page.waitForResponse((response) =>
          new URL(response.url()).searchParams.get("q") === text.split(" ").at(-1)
        );
        await page.locator("#q").pressSequentially(text);
        await answer;
        await page.getByRole("option").first().waitFor();
        return await page.getByRole("option").allTextContents();
      };
      assertEquals((await complete("so")).slice(0, 2), ["solo 3", "somebody 1"]);
      assertEquals((await complete("miku so")).slice(0, 2), ["solo 1 of 3", "somebody 1 of 1"]);
      assertEquals((await complete("-miku some"))[0], "somebody 0 of 1");
      assertEquals(await page.locator("#completion .empty").count(), 1);
      assertEquals(await page.getAttribute("#q", "aria-expanded"), "true");
      await complete("solo -ord");
      await page.keyboard.press("ArrowDown");
      assertEquals(await page.getAttribute("#q", "aria-activedescendant"), "completion-0");
      // Behind the name of a metatag its values are offered at once.
      await page.keyboard.press("Tab");
      await page.getByRole("option", { name: /^order:score / }).click();
      assertEquals(await page.inputValue("#q"), "solo -order:score ");
      // The signs in front belong to the name.
      assertEquals(await complete("solo -_"), ["-_- 1 of 1"]);
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Enter");
      assertEquals(await page.inputValue("#q"), 'solo tag:"-_-" ');
      assertEquals(await complete("-so*"), ["so* 3"]);
      await complete("sol");
      await page.keyboard.press("Escape");
      assertEquals(await page.getByRole("option").count(), 0);
    });
  });

  for (const colorScheme of ["light", "dark"] as const) {
    Deno.test(`pages are accessible in ${colorScheme}`, async () => {
      for (const viewport of [{ width: 1280, height: 800 }, { width: 360, height: 640 }]) {
        await withPage({ colorScheme, viewport }, async ({ page, server, faults }) => {
          await server.json("/api/images/3", { method: "DELETE" });
          const tasks = await makeTasks(server);
          const broken: Record<string, string[]> = {};
          for (
            const path of [
              "/posts",
              "/posts?q=miku",
              "/posts?q=nobody",
              "/posts?q=solos+-_-+order:random",
              "/posts?q=order:sorce",
              "/posts/3",
              "/help/search",
              "/api/docs",
              "/posts?q=-",
              "/posts/1",
              "/posts/1?q=miku",
              "/tags",
              "/trash",
              "/nothing",
              "/library",
              "/duplicates",
              "/tasks",
              "/history",
              "/tags/aliases",
              "/tags/implications",
              ...tasks,
            ]
          ) {
            await page.goto(path);
            const rules = await brokenRules(page);
            if (rules.length > 0) broken[path] = rules;
            const overflow = await page.evaluate(SIDEWAYS_PX);
            if (overflow !== 0) broken[`${path} scrolls sideways`] = [`by ${overflow} px`];
          }
          assertEquals(broken, {}, JSON.stringify(broken, null, 2));
          forgetStatuses(faults);
        });
      }
    });
  }

  Deno.test("a video plays in its post and when its file is opened by itself", async () => {
    await withPage({}, async ({ page, server, faults }) => {
      await page.goto("about:blank");
      const bytes = Uint8Array.fromBase64(await page.evaluate<string>(RECORD_VIDEO));
      await Deno.writeFile(join(server.library.paths.images, "new.webm"), bytes);
      server.write("INSERT INTO images (id, filepath, md5) VALUES (9, 'new.webm', ?)", md5(bytes));
      await server.library.core.poll();
      const { urls } = (await server.json("/api/images/9")).body;
      for (const path of [urls.page, urls.file]) {
        await page.goto(path);
        await page.waitForFunction("document.querySelector('video')?.readyState >= 2");
      }
      // The browser breaks off what it no longer needs of a video.
      const kept = faults.filter((fault) => !/ERR_ABORTED/.test(fault));
      faults.splice(0, faults.length, ...kept);
    });
  });

  Deno.test("hostile names run no script in a browser", async () => {
    const hostile = ["<img/src=x/onerror=alert(1)>", "</textarea><script>alert(1)</script>"];
    await using server = await startServer({
      pictures: [{ tags: hostile, sourceUrl: "javascript:alert(1)", originalName: hostile[0] }],
    });
    await using socket = listen(server.app);
    const bytes = new TextEncoder().encode("<script>alert(1)</script>");
    await Deno.writeFile(join(server.library.paths.images, "1.png"), bytes);
    const browser = await launch();
    try {
      const page = await browser.newPage({ baseURL: socket.origin });
      const dialogs: string[] = [];
      page.on("dialog", (dialog) => {
        dialogs.push(dialog.message());
        return dialog.dismiss();
      });
      const query = encodeURIComponent(hostile[0]);
      for (
        const path of ["/posts", "/posts/1", `/posts?q=${query}`, `/posts?q=-+${query}`, "/tags"]
      ) {
        await page.goto(path, { waitUntil: "networkidle" });
      }
      assertEquals(dialogs, []);
    } finally {
      await browser.close();
    }
  });
} else {
  console.log("Left out of the fast tier: pages in Chromium (CHIBIBOORU_TEST_TIER=full)");
}
