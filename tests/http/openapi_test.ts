import { Validator } from "@seriousme/openapi-schema-validator";
import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  buildApiDocument,
  type JsonObject,
  problemsOf,
  toOperationId,
  toTemplate,
} from "../../src/http/openapi/document.ts";
import { ROUTES } from "../../src/http/openapi/routes.ts";
import { isFullTier } from "../support/tier.ts";
import { assertDescribed, routeOf, startDescribed } from "./openapi_support.ts";
import { type TestServer, until } from "./support.ts";

const DOCUMENT = buildApiDocument(ROUTES, { version: "1.2.3", hasSecret: false });

/** Routes outside of /api that are described too. */
const OTHERS = ["GET /healthz", "GET /readyz", "GET /metrics"];

Deno.test("ROUTES are those that the application has below /api, and three others", async () => {
  await using server = await startDescribed();
  const found = server.app.routes
    .filter(({ method, path }) => !(method === "ALL" && /^(\/api)?\/\*$/.test(path)))
    .map(({ method, path }) => `${method} ${path}`);
  const wanted = found.filter((route) => /^\w+ \/api(\/|$)/.test(route));
  for (const other of OTHERS) assert(found.includes(other), other);
  const described = ROUTES.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
  assertEquals(new Set(described).size, described.length, "each is described once");
  assertEquals(described.sort(), [...new Set([...wanted, ...OTHERS])].sort());
});

Deno.test("buildApiDocument() gives a valid document of OpenAPI 3.1", async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(DOCUMENT));
  assert(valid, JSON.stringify(errors, null, 1));
  const broken = structuredClone(DOCUMENT) as JsonObject;
  broken.paths = { "/api/images": { get: { responses: 5 } } };
  assert(!(await new Validator().validate(broken)).valid, "the validator refuses something");
});

Deno.test("buildApiDocument() has every reference, and each name once", () => {
  const references = [...JSON.stringify(DOCUMENT).matchAll(/"\$ref":"([^"]+)"/g)];
  assert(references.length > 100);
  for (const [, reference] of references) {
    const keys = reference.replace(/^#\//, "").split("/");
    const found = keys.reduce<unknown>((value, key) => (value as JsonObject)?.[key], DOCUMENT);
    assert(found !== undefined, reference);
  }
  const ids = ROUTES.map(toOperationId);
  assertEquals(new Set(ids).size, ids.length);
  for (const id of ids) assertMatch(id, /^[a-z][A-Za-z]+$/);
  assertEquals(
    JSON.stringify(DOCUMENT).includes("$defs"),
    false,
    "no schema is left within another",
  );
});

Deno.test("buildApiDocument() says what a request may be, from the schemas that check it", () => {
  const { parameters } = DOCUMENT.paths["/api/tags"].get;
  assertEquals(parameters, [
    {
      name: "prefix",
      in: "query",
      required: false,
      schema: { type: "string", maxLength: 1_000, default: "" },
    },
    {
      name: "limit",
      in: "query",
      required: false,
      schema: { type: "integer", minimum: 1, maximum: 200, default: 40 },
    },
  ]);
  for (const route of ROUTES) {
    const operation = DOCUMENT.paths[toTemplate(route.path)][route.method];
    const names = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => name);
    const keys = operation.parameters.filter((one) => one.in === "path").map(({ name }) => name);
    assertEquals(keys, names, route.path);
  }
});

Deno.test("buildApiDocument() says which routes need the administrator's secret", async () => {
  await using server = await startDescribed({ adminSecret: "a secret of some length" });
  const { body: document } = await server.json("/api/openapi.json");
  // Drivers of GPUs take seconds.
  for (const route of ROUTES.filter(({ path }) => path !== "/api/gpu")) {
    const { security } = document.paths[toTemplate(route.path)][route.method];
    const path = route.path.replaceAll(/:\w+/g, "1");
    const response = await server.request(path, { method: route.method.toUpperCase() });
    await response.body?.cancel();
    const needed = response.status === 401;
    assertEquals(security, needed ? [{ bearer: [] }, { key: [] }] : undefined, route.path);
    assertEquals(problemsOf(route).includes(401), needed, route.path);
    const open = DOCUMENT.paths[toTemplate(route.path)][route.method];
    assertEquals(open.security?.at(-1), needed ? {} : undefined, "without one all may");
  }
});

Deno.test("examples of ROUTES are what their schemas let pass", () => {
  for (const route of ROUTES) {
    const { keys = {}, query = {}, body } = route.example ?? {};
    const what = `${route.method} ${route.path}`;
    const id = "id" in (route.keys?.shape ?? {}) ? { id: "1" } : {};
    assert(route.keys === undefined || route.keys.safeParse({ ...id, ...keys }).success, what);
    assert(route.query === undefined || route.query.safeParse(query).success, what);
    for (const name of Object.keys(query)) assert(name in route.query!.shape, `${what} ${name}`);
    assertEquals(body !== undefined, route.body !== undefined, `${what} has a body`);
    assert(route.body === undefined || route.body.safeParse(body).success, what);
  }
});

/** Asks, and compares the answer with the description. */
async function ask(
  server: TestServer,
  route: string,
  request: { path?: string; body?: unknown; headers?: HeadersInit; status?: number } = {},
  // deno-lint-ignore no-explicit-any -- what a test reads of it is what it asserts
): Promise<any> {
  const [method, pattern] = route.split(" ");
  const { path = pattern, body, headers, status } = request;
  const response = await server.request(path, {
    method,
    ...(body === undefined ? { headers } : {
      body: typeof body === "string" ? body : JSON.stringify(body),
      headers: { "content-type": "application/json", ...headers },
    }),
  });
  if (status !== undefined) assertEquals(response.status, status, `${method} ${path}`);
  return await assertDescribed(
    routeOf(method.toLowerCase(), pattern),
    response,
    `${method} ${path}`,
  );
}

async function endOf(server: TestServer, task: { id: string }): Promise<void> {
  await until("the task ends", () => server.library.tasks.get(task.id)!.endedAt !== null);
  const { state } = await ask(server, "GET /api/tasks/:id", { path: `/api/tasks/${task.id}` });
  assertEquals(state, "succeeded", JSON.stringify(server.library.tasks.get(task.id)));
}

Deno.test("images and tags are answered as they are described", async () => {
  await using server = await startDescribed();
  await ask(server, "GET /api/images", {
    path: "/api/images?limit=3&q=nothing_of_it",
    status: 200,
  });
  const { images } = await ask(server, "GET /api/images", { status: 200 });
  assertEquals(images.length, 20);
  await ask(server, "GET /api/images/:id", { path: "/api/images/1", status: 200 });
  const edit = { add: ["artist:new_one", "hat"], remove: ["solo"] };
  const tags = "PUT /api/images/:id/tags";
  await ask(server, tags, { path: "/api/images/1/tags", body: edit, status: 200 });
  const similar = { path: "/api/images/1/similar", status: 200 };
  assert((await ask(server, "GET /api/images/:id/similar", similar)).images.length > 0);
  const { headers } = await server.request("/api/images/1");
  await ask(server, "GET /api/images/:id", {
    path: "/api/images/1",
    headers: { "if-none-match": headers.get("etag")! },
    status: 304,
  });
  await ask(server, tags, {
    path: "/api/images/1/tags",
    body: edit,
    headers: { "if-match": '"old"' },
    status: 412,
  });
  const source = { path: "/api/images/1/source", status: 200 };
  await ask(server, "GET /api/images/:id/source", source);
  await ask(server, "PUT /api/images/:id/source", { ...source, body: { source: "danbooru" } });
  await ask(server, "GET /api/sources/priority", { status: 200 });
  const order = { body: { priority: ["e621", "danbooru"] }, status: 202 };
  await endOf(server, await ask(server, "PUT /api/sources/priority", order));
  await ask(server, "GET /api/tags", { status: 200 });
  for (const word of ["ha", "order:", "rating:", "*at", "mikku", "-so"]) {
    const path = `/api/tags/autocomplete?q=${word}&context=solo`;
    await ask(server, "GET /api/tags/autocomplete", { path, status: 200 });
  }
});

Deno.test("rules of tags are answered as they are described", async () => {
  await using server = await startDescribed();
  const rule = { source: "blue_hat", implied: "hat" };
  const preview = "source=blue_hat&implied=hat";
  const shown = { path: `/api/implications/preview?${preview}`, status: 200 };
  assertEquals((await ask(server, "GET /api/implications/preview", shown)).known, null);
  const { task } = await ask(server, "POST /api/implications", { body: rule, status: 202 });
  await endOf(server, task);
  assert((await ask(server, "GET /api/implications/preview", shown)).known !== null);
  const pending = { body: { source: "solo", implied: "alone", status: "pending" }, status: 201 };
  const { implication } = await ask(server, "POST /api/implications", pending);
  const page = await ask(server, "GET /api/implications", { status: 200 });
  assertEquals(page.implications.length, 2);
  const path = `/api/implications/${implication.id}`;
  const approved = await ask(server, "POST /api/implications/:id/approve", {
    path: `${path}/approve`,
    status: 202,
  });
  await endOf(server, approved.task);
  const removed = await ask(server, "DELETE /api/implications/:id", { path, status: 202 });
  await endOf(server, removed.task);

  const names = { antecedent: "miku", consequent: "hatsune_miku" };
  const effect = { path: `/api/aliases/preview?${new URLSearchParams(names)}`, status: 200 };
  await ask(server, "GET /api/aliases/preview", effect);
  const alias = await ask(server, "POST /api/aliases", { body: names, status: 202 });
  await endOf(server, alias.task);
  const wish = { antecedent: "cap", consequent: "hat", status: "pending" };
  await ask(server, "POST /api/aliases", { body: wish, status: 201 });
  for (const status of ["active", "pending"]) {
    const path = `/api/aliases?status=${status}`;
    assertEquals((await ask(server, "GET /api/aliases", { path, status: 200 })).total, 1);
  }
  await ask(server, "GET /api/aliases/preview", effect);
  const cap = "/api/aliases/cap";
  await ask(server, "POST /api/aliases/:antecedent/approve", {
    path: `${cap}/approve`,
    status: 200,
  });
  await ask(server, "DELETE /api/aliases/:antecedent", { path: cap, status: 200 });
  const list = await server.request("/api/tags/import?numbering=danbooru", {
    method: "POST",
    headers: { "content-type": "text/csv" },
    body: 'hat,0,100,"headwear"\n',
  });
  const route = routeOf("post", "/api/tags/import");
  await endOf(server, await assertDescribed(route, list, "import") as { id: string });
});

Deno.test("the history and the trash are answered as they are described", async () => {
  await using server = await startDescribed();
  const path = "/api/images/2/tags";
  await ask(server, "PUT /api/images/:id/tags", { path, body: { add: ["new"], remove: ["hat"] } });
  const bulk = { query: "hat", add: ["character:many"], remove: ["somebody"] };
  const dry = { body: { ...bulk, dryRun: true }, status: 200 };
  assert((await ask(server, "POST /api/tags/bulk", dry)).changed > 0);
  await endOf(server, await ask(server, "POST /api/tags/bulk", { body: bulk, status: 202 }));
  const { entries } = await ask(server, "GET /api/history", { status: 200 });
  assert(entries.length > 2);
  const grouped = { path: "/api/history?grouped=true", status: 200 };
  assertEquals((await ask(server, "GET /api/history", grouped)).operations.length, 1);
  await ask(server, "GET /api/images/:id/history", { path: "/api/images/2/history", status: 200 });
  const first = `/api/history/${entries.at(-1).id}/undo`;
  await ask(server, "POST /api/history/:id/undo", { path: first, status: 200 });
  await ask(server, "POST /api/history/:id/undo", { path: first, status: 409 });
  const [{ id }] = (await ask(server, "GET /api/operations", { status: 200 })).operations;
  const operation = `/api/operations/${id}`;
  await ask(server, "GET /api/operations/:id", { path: operation, status: 200 });
  await ask(server, "POST /api/operations/:id/undo", { path: `${operation}/undo`, status: 200 });
  const further = { path: `${operation}/continue`, status: 409 };
  await ask(server, "POST /api/operations/:id/continue", further);
  await ask(server, "GET /api/operations", { status: 200 });

  const trashed = await ask(server, "DELETE /api/images/:id", {
    path: "/api/images/2",
    status: 200,
  });
  assertEquals((await ask(server, "GET /api/trash", { status: 200 })).total, 1);
  const restore = { path: `/api/trash/${trashed.trashId}/restore`, status: 200 };
  await ask(server, "POST /api/trash/:id/restore", restore);
  const again = await ask(server, "DELETE /api/images/:id", { path: "/api/images/2", status: 200 });
  const entry = `/api/trash/${again.trashId}`;
  await ask(server, "DELETE /api/trash/:id", { path: entry, status: 200 });
  await ask(server, "PUT /api/trash/settings", { body: { keepDays: 9 }, status: 200 });
  const all = { body: { olderThanDays: 0 }, status: 202 };
  await endOf(server, await ask(server, "POST /api/trash/empty", all));
});

Deno.test("the library and the server are answered as they are described", async () => {
  await using server = await startDescribed();
  for (const path of ["/healthz", "/readyz", "/metrics", "/api/status", "/api/openapi.json"]) {
    await ask(server, `GET ${path}`, { status: 200 });
  }
  for (const path of ["/api/docs", "/api/watch", "/api/check/kinds", "/api/tasks/events"]) {
    await ask(server, `GET ${path}`, { status: 200 });
  }
  // Drivers of GPUs take a second.
  if (isFullTier) {
    const { best } = await ask(server, "POST /api/gpu", { status: 200 });
    assertEquals((await ask(server, "GET /api/status")).gpu.best, best);
  }
  for (const path of ["/api/backup", "/api/rebuild", "/api/cache/reload", "/api/watch/scan"]) {
    await endOf(server, await ask(server, `POST ${path}`, { status: 202 }));
  }
  await endOf(server, await ask(server, "POST /api/dedupe", { body: {}, status: 202 }));
  await endOf(
    server,
    await ask(server, "POST /api/check", { body: { hashes: false }, status: 202 }),
  );
  assertEquals((await ask(server, "GET /api/backups", { status: 200 })).backups.length, 1);
  assertEquals((await ask(server, "GET /api/watch")).roots.length, 1, "ingest");
  const confirm = { path: "/api/watch/@nothing/confirm", status: 404 };
  await ask(server, "POST /api/watch/:root/confirm", confirm);
  const { tasks } = await ask(server, "GET /api/tasks", { status: 200 });
  const path = `/api/tasks/${tasks[0].id}`;
  await ask(server, "DELETE /api/tasks/:id", { path, status: 409 });
  const events = { path: `${path}/events`, status: 200 };
  await ask(server, "GET /api/tasks/:id/events", events);
  const told = await (await server.request(`${path}/events`)).text();
  const [, last] = /^id: (.*)$/m.exec(told)!;
  const seen = { ...events, headers: { "last-event-id": last }, status: 204 };
  await ask(server, "GET /api/tasks/:id/events", seen);
  const held = server.library.tasks.start(
    "held",
    ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  );
  await ask(server, "DELETE /api/tasks/:id", { path: `/api/tasks/${held.id}`, status: 202 });
});
