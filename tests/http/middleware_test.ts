import { assertEquals } from "@std/assert";
import { Hono } from "hono";
import { AppError } from "../../src/base/errors.ts";
import { QuerySyntaxError } from "../../src/base/query_syntax_error.ts";
import { apiHandler, requireJsonBody, requireSecret } from "../../src/http/middleware.ts";
import { readJson } from "../../src/http/params.ts";
import { problemResponse, toProblem } from "../../src/http/responses.ts";

/** An application that answers failures as the real one does. */
function makeApp(): Hono {
  const app = new Hono();
  app.onError((error) => problemResponse(toProblem(error)));
  return app;
}

async function ask(app: Hono, path: string, init: RequestInit = {}) {
  const response = await app.request(path, init);
  const text = await response.text();
  const { headers, status } = response;
  const type = headers.get("content-type");
  const isJson = /json/.test(type ?? "");
  return { status, headers, text, type, body: isJson ? JSON.parse(text) : null };
}

Deno.test("apiHandler() answers data, nothing, responses and failures each in its way", async () => {
  const app = makeApp();
  app.get("/data", apiHandler(() => Promise.resolve({ a: 1 })));
  app.get("/nothing", apiHandler(() => undefined));
  app.get("/null", apiHandler(() => null));
  app.get("/own", apiHandler((context) => context.text("mine", 201)));
  const fail = (error: Error) => apiHandler(() => Promise.reject(error));
  app.get("/expected", fail(new AppError("conflict", "No", { remedy: "Wait" })));
  app.get("/query", fail(new QuerySyntaxError("Odd", { offset: 3 })));
  app.get("/secret", fail(new AppError("unauthorized", "Who?")));
  app.get("/bug", fail(new RangeError("inner matters")));

  const data = await ask(app, "/data");
  assertEquals([data.status, data.body, data.headers.get("cache-control")], [
    200,
    { a: 1 },
    "no-store",
  ]);
  assertEquals((await ask(app, "/null")).body, null);
  const nothing = await ask(app, "/nothing");
  assertEquals([nothing.status, nothing.text], [204, ""]);
  const own = await ask(app, "/own");
  assertEquals([own.status, own.text, own.headers.get("cache-control")], [201, "mine", null]);
  const expected = await ask(app, "/expected");
  assertEquals([expected.status, expected.type], [409, "application/problem+json; charset=utf-8"]);
  assertEquals([expected.body.code, expected.body.remedy], ["conflict", "Wait"]);
  const query = await ask(app, "/query");
  assertEquals([query.status, query.body.offset], [400, 3]);
  const secret = await ask(app, "/secret");
  assertEquals(secret.headers.get("www-authenticate"), 'Bearer realm="ChibiBooru"');
  const bug = await ask(app, "/bug");
  assertEquals([bug.status, bug.body.code, bug.text.includes("inner")], [500, "internal", false]);
});

Deno.test("requireSecret() lets those pass who send it in a header, and nobody else", async () => {
  const app = makeApp();
  app.get("/open", requireSecret(null), (context) => context.text("in"));
  app.get("/guarded", requireSecret("s3cret"), (context) => context.text("in"));
  assertEquals((await ask(app, "/open")).text, "in");
  const good = [
    { authorization: "Bearer s3cret" },
    { authorization: "bearer  s3cret" },
    { "x-api-key": "s3cret" },
    { authorization: "Basic bWU6eA==", "x-api-key": "s3cret" },
  ] as Record<string, string>[];
  for (const headers of good) {
    assertEquals((await ask(app, "/guarded", { headers })).text, "in", JSON.stringify(headers));
  }
  const bad = [
    {},
    { authorization: "s3cret" },
    { authorization: "Bearer" },
    { authorization: "Bearer s3cre" },
    { authorization: "Bearer s3cret2" },
    { authorization: "Bearer S3CRET" },
    { authorization: "Bearer x", "x-api-key": "s3cret" },
    { "x-api-key": "" },
    { cookie: "x-api-key=s3cret" },
  ] as Record<string, string>[];
  for (const headers of bad) {
    const path = "/guarded?api_key=s3cret&secret=s3cret&authorization=Bearer%20s3cret";
    const { status, body } = await ask(app, path, { headers });
    assertEquals([status, body.code], [401, "unauthorized"], JSON.stringify(headers));
  }
});

Deno.test("requireJsonBody() refuses what is no JSON, too large or too deep, and reads once", async () => {
  const app = makeApp();
  const limits = requireJsonBody({ bytesMax: 40, depthMax: 3 });
  app.post("/", limits, async (context) => context.json({ got: await readJson(context) }));
  const send = (body: BodyInit | null, type: string | null = "application/json") =>
    ask(app, "/", { method: "POST", body, headers: type === null ? {} : { "content-type": type } });
  assertEquals((await send('{"a":[1]}')).body, { got: { a: [1] } });
  assertEquals((await send("null", "application/json; charset=utf-8")).body, { got: null });
  const cases: [body: BodyInit, type: string | null, status: number, code: string][] = [
    ["{}", "text/plain", 415, "unsupported_media"],
    ["{}", "application/jsonx", 415, "unsupported_media"],
    [new Uint8Array([123, 125]), null, 415, "unsupported_media"],
    ["{", "application/json", 400, "bad_request"],
    ["", "application/json", 400, "bad_request"],
    ["[[[[1]]]]", "application/json", 400, "bad_request"],
    [new Uint8Array([0x22, 0xff, 0x22]), "application/json", 400, "bad_request"],
    [`"${"x".repeat(39)}"`, "application/json", 413, "payload_too_large"],
  ];
  for (const [body, type, status, code] of cases) {
    const answer = await send(body, type);
    assertEquals([answer.status, answer.body.code], [status, code], `${body} ${type}`);
  }
  const { body } = await send('{"a":\n 1,}');
  assertEquals([body.detail, body.offset], ["The body is not JSON: see line 2, column 4", 9]);
});
