import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { AppError } from "../../src/base/errors.ts";
import { endOfTask, openPage, submitForm } from "./forms_support.ts";
import { startServer, type TestServer } from "./support.ts";
import { assertHarmless, HOSTILE } from "./page_fixtures.tsx";

/** Runs a task that answers this, and gives the text of its page. */
async function show(server: TestServer, kind: string, work: () => Promise<unknown>) {
  const { id } = server.library.tasks.start(kind, work);
  await endOfTask(server, `/tasks/${id}`);
  return (await openPage(server, `/tasks/${id}`)).text;
}

Deno.test("GET /tasks lists what runs and what ran; a task that runs can be cancelled", async () => {
  await using server = await startServer();
  assertStringIncludes((await openPage(server, "/tasks")).text, "Nothing was done");
  const released = Promise.withResolvers<void>();
  const { id } = server.library.tasks.start("check", ({ signal, report }) => {
    report({ done: 1200, total: 5000, message: "files" });
    signal.addEventListener("abort", () => released.reject(signal.reason));
    return released.promise;
  });
  await Promise.resolve();
  const list = (await openPage(server, "/tasks")).text;
  assertStringIncludes(list, `href="/tasks/${id}">Check of the library</a>`);
  assertStringIncludes(list, "Looking at files: 1,200 of 5,000");
  assertStringIncludes(list, `value="1200" max="5000"`);
  const part = await openPage(server, `/tasks/${id}/progress`);
  assert(part.text.startsWith(`<div class="task-progress" data-task="${id}"`), part.text);
  const { location } = await submitForm(server, `/tasks/${id}/cancel`);
  assertEquals((await endOfTask(server, location)).state, "cancelled");
  const ended = (await openPage(server, location!)).text;
  assertStringIncludes(ended, ">Cancelled</h2>");
  assert(!ended.includes("http-equiv"), "it has ended");
  const again = await submitForm(server, `/tasks/${id}/cancel`);
  assertStringIncludes((await openPage(server, again.location!)).text, "ended already");
  assertEquals((await openPage(server, "/tasks/nothing")).status, 404);
});

Deno.test("GET /tasks/:id tells why a task failed, and what can be done", async () => {
  await using server = await startServer();
  const page = await show(server, "backup", () => {
    throw new AppError("disk_full", "No room <here>", { remedy: "Free some space" });
  });
  assertStringIncludes(page, "No room &lt;here&gt;");
  assertStringIncludes(page, "Free some space");
});

Deno.test("GET /tasks/:id shows each kind of result in words", async () => {
  await using server = await startServer();
  const counts = { added: 2, known: 0, replaced: 0, moved: 1, missing: 0, returned: 0 };
  const cases: [kind: string, result: unknown, words: string[]][] = [
    ["bulk-edit", { operationId: 7, matched: 12, changed: 5 }, ["5 of 12 posts", "/operations/7"]],
    ["undo", { id: 8, total: 3, changed: 3 }, ["3 of 3 posts", "/operations/8"]],
    [
      "empty-trash",
      { emptied: 1, freedBytes: 2048, kept: [{ id: 4, reason: "It is not there" }] },
      [
        "1 entry removed for good, 2.0 KB freed",
        "Entry 4: It is not there",
      ],
    ],
    ["watch-scan", {
      roots: [{
        name: "@pics",
        state: "stopped",
        message: null,
        ...counts,
        sidecars: 0,
        failed: 0,
        problems: [],
      }],
    }, ["Files: 2 new, 1 moved or renamed."]],
    ["source_priority", { imagesChanged: 4, order: null }, ["<dt>Images changed</dt><dd>4</dd>"]],
    ["something", { list: [1] }, [`&quot;list&quot;: [`]],
    ["dedupe", { of: "another version" }, ["another version"]],
  ];
  for (const [kind, result, words] of cases) {
    const page = await show(server, kind, () => Promise.resolve(result));
    for (const word of words) assertStringIncludes(page, word, kind);
  }
});

Deno.test("pages of tasks escape whatever a task says", async () => {
  await using server = await startServer();
  for (const text of HOSTILE) {
    const { id } = server.library.tasks.start(text, ({ report }) => {
      report({ done: 0, total: null, message: text });
      return Promise.reject(new AppError("conflict", text, { remedy: text }));
    });
    await endOfTask(server, `/tasks/${id}`);
    assertHarmless((await openPage(server, `/tasks/${id}`)).text);
    assertHarmless(await show(server, "other", () => Promise.resolve({ [text]: text })));
    assertHarmless(await show(server, "other", () => Promise.resolve([text])));
  }
  assertHarmless((await openPage(server, "/tasks")).text);
  assertHarmless((await openPage(server, "/library")).text);
});
