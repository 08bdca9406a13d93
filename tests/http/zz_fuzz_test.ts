import { assert } from "@std/assert";
import fc from "fast-check";
import { buildApiDocument, type Operation, toTemplate } from "../../src/http/openapi/document.ts";
import type { RouteDescription } from "../../src/http/openapi/route.ts";
import { ROUTES } from "../../src/http/openapi/routes.ts";
import { inputOf, parameterOf } from "../support/schema_arbitrary.ts";
import { runs } from "../support/tier.ts";
import { assertDescribed, startDescribed } from "./openapi_support.ts";
import type { TestServer } from "./support.ts";

const DOCUMENT = buildApiDocument(ROUTES, { version: "1", hasSecret: false });

/** A request as it is sent; printed when it fails. */
type Sent = {
  path: string;
  init: { method: string; body?: string; headers: Record<string, string> };
};

/** Parts of a path that lead somewhere: to images, edits, entries, the two tags of a rule. */
const KEYS = ["1", "2", "3", "20", "1-2", "2-3", "hat", "ingest"];

function requestOf(route: RouteDescription): fc.Arbitrary<Sent> {
  const operation = DOCUMENT.paths[toTemplate(route.path)][route.method];
  return fc.record({
    path: pathOf(route.path, operation),
    init: fc.tuple(bodyOf(operation), headersOf(operation)).map(([sent, headers]) => ({
      method: route.method.toUpperCase(),
      ...sent,
      headers: { ...sent.headers, ...headers } as Record<string, string>,
    })),
  });
}

function pathOf(path: string, { parameters }: Operation): fc.Arbitrary<string> {
  const keys = parameters.filter((one) => one.in === "path");
  const query = parameters.filter((one) => one.in === "query");
  return fc.tuple(
    fc.record(Object.fromEntries(keys.map(({ name, schema }) => [
      name,
      fc.oneof(fc.constantFrom(...KEYS), parameterOf(schema)),
    ]))),
    fc.record(
      Object.fromEntries(query.map(({ name, schema }) => [name, parameterOf(schema)])),
      { requiredKeys: [] },
    ),
    fc.option(fc.constantFrom("%", "%ff", "&&=", "q=%00", "limit=1&limit=2", "#x"), { freq: 8 }),
  ).map(([keys, query, rest]) => {
    const filled = path.replaceAll(/:(\w+)/g, (_, name) =>
      // An empty part would be another path.
      encodeURIComponent((keys[name] || "0").toWellFormed()));
    const words = new URLSearchParams(query as Record<string, string>).toString();
    return rest === null && words === "" ? filled : `${filled}?${words}${rest ?? ""}`;
  });
}

type Body = { body?: string; headers: Record<string, string> };

function bodyOf({ requestBody }: Operation): fc.Arbitrary<Body> {
  if (requestBody === undefined) return fc.constant({ headers: {} });
  const type = Object.keys(requestBody.content)[0];
  const { schema } = requestBody.content[type];
  const texts = schema === undefined
    ? fc.array(fc.constantFrom("hat,0,5,cap\n", "x,99,1\n", ",,,\n", '"', "\n", "miku,4,2,a b\n"))
      .map((lines) => lines.join(""))
    : inputOf(schema).map((value) => JSON.stringify(value));
  return fc.oneof(
    { weight: 8, arbitrary: texts.map((body) => ({ body, headers: { "content-type": type } })) },
    {
      weight: 1,
      arbitrary: fc.constantFrom<Body>(
        { headers: {} },
        { headers: { "content-type": type } },
        { body: "{", headers: { "content-type": type } },
        { body: "{}", headers: { "content-type": "text/plain" } },
        { body: "[".repeat(100), headers: { "content-type": type } },
      ),
    },
  );
}

function headersOf({ parameters }: Operation): fc.Arbitrary<Record<string, string | undefined>> {
  const names = parameters.filter((one) => one.in === "header").map(({ name }) => name);
  const value = fc.constantFrom("*", '"x"', "", "W/", "00000000.1", "x".repeat(500));
  return fc.record(Object.fromEntries(names.map((name) => [name, value])), { requiredKeys: [] });
}

const S: Record<string, Record<number, number>> = {};
/** Sends what was drawn for one route; the message of a failure has all of it. */
async function sendTo(server: TestServer, route: RouteDescription, sent: Sent): Promise<void> {
  const response = await server.request(sent.path, sent.init);
  const k = route.method + " " + route.path; (S[k] ??= {})[response.status] = (S[k][response.status] ?? 0) + 1;
  await assertDescribed(route, response, JSON.stringify(sent).slice(0, 2_000));
}

Deno.test("every route answers any request as it is described, and never with a fault of ours", async () => {
  await using server = await startDescribed();
  let count = 0;
  for (const route of ROUTES) {
    const t=performance.now();
    await fc.assert(
      fc.asyncProperty(requestOf(route), async (sent) => {
        count++;
        await sendTo(server, route, sent);
      }),
      { numRuns: runs(6, 300) },
    );
    const d=performance.now()-t; if (d>60) console.log(route.method, route.path, d|0);
  }
  console.log(S);
  assert(count >= ROUTES.length * 6);
});
