import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  buildApiDocument,
  type Operation,
  type Parameter,
  toTemplate,
} from "../../src/http/openapi/document.ts";
import type { RouteDescription } from "../../src/http/openapi/route.ts";
import { ROUTES } from "../../src/http/openapi/routes.ts";
import { isActive } from "../../src/library/tasks.ts";
import { badParameterOf, inputOf, parameterOf } from "../support/schema_arbitrary.ts";
import { isFullTier, runs } from "../support/tier.ts";
import { assertDescribed, startDescribed } from "./openapi_support.ts";
import { type TestServer, until } from "./support.ts";

const DOCUMENT = buildApiDocument(ROUTES, { version: "1", hasSecret: false });

/** A part of a path: the n-th of what there is when it is sent, or a text. */
type Key = { nth: number } | { text: string };

/** A request as it was drawn. */
type Drawn = {
  route: RouteDescription;
  keys: Record<string, Key>;
  search: string;
  method: string;
  headers: Record<string, string>;
  body?: string;
};

function requestOf(route: RouteDescription): fc.Arbitrary<Drawn> {
  const operation = DOCUMENT.paths[toTemplate(route.path)][route.method];
  return fc.tuple(
    keysOf(operation),
    searchOf(operation),
    bodyOf(operation),
    headersOf(operation),
  ).map(([keys, search, { body, type }, headers]) => ({
    route,
    keys,
    search,
    method: route.method.toUpperCase(),
    headers: type === undefined ? headers : { ...headers, "content-type": type },
    body,
  }));
}

function keysOf({ parameters }: Operation): fc.Arbitrary<Record<string, Key>> {
  const keys = parameters.filter((one) => one.in === "path");
  return fc.record(Object.fromEntries(keys.map(({ name, schema }) => [
    name,
    fc.oneof(
      { weight: 4, arbitrary: fc.record({ nth: fc.nat(1_000) }) },
      { weight: 1, arbitrary: fc.record({ text: badParameterOf(schema) }) },
    ),
  ])));
}

/** What a parameter often is, where its schema lets any text pass. */
const USUAL: Record<string, readonly string[]> = {
  page: ["1", "2", "b9", "b5", "a3", "b0"],
  q: [
    "",
    "hat",
    "solo -hat",
    "order:score",
    "h",
    "*a*",
    "rating:g or miku",
    "pool:x",
    "ord",
    "hat*",
  ],
};

function searchOf({ parameters }: Operation): fc.Arbitrary<string> {
  const query = parameters.filter((one) => one.in === "query");
  if (query.length === 0) return fc.constantFrom("", "", "", "?x=1", "?%");
  const fieldsOf = (toValue: (one: Parameter) => fc.Arbitrary<string>) =>
    fc.record(Object.fromEntries(query.map((one) => [one.name, toValue(one)])), {
      requiredKeys: query.filter(({ required }) => required).map(({ name }) => name),
    });
  const usual = ({ name, schema }: Parameter) =>
    fc.oneof(parameterOf(schema), fc.constantFrom(...USUAL[name] ?? ["hat", "solo"]));
  const toText = (fields: object) => `?${new URLSearchParams(fields as Record<string, string>)}`;
  return fc.oneof(
    {
      weight: 5,
      arbitrary: fieldsOf((one) =>
        one.schema.type === "string" && one.schema.enum === undefined
          ? fc.constantFrom(...USUAL[one.name] ?? ["hat", "solo", "miku"])
          : parameterOf(one.schema)
      ).map(toText),
    },
    { weight: 2, arbitrary: fieldsOf(usual).map(toText) },
    { weight: 2, arbitrary: fieldsOf(({ schema }) => badParameterOf(schema)).map(toText) },
    { weight: 1, arbitrary: fc.constantFrom("?%", "?q=%ff", "?&&=", "?limit=1&limit=2", "?q=a+b") },
  );
}

type Body = { body?: string; type?: string };

function bodyOf({ requestBody }: Operation): fc.Arbitrary<Body> {
  if (requestBody === undefined) return fc.constant({});
  const type = Object.keys(requestBody.content)[0];
  const { schema } = requestBody.content[type];
  const texts = schema === undefined
    ? fc.array(fc.constantFrom("hat,0,5,cap\n", "x,99,1\n", ",,,\n", '"', "\n", "miku,4,2,a b\n"))
      .map((lines) => lines.join(""))
    : inputOf(schema).map((value) => JSON.stringify(value));
  return fc.oneof(
    { weight: 12, arbitrary: texts.map((body) => ({ body, type })) },
    {
      weight: 1,
      arbitrary: fc.constantFrom<Body>(
        {},
        { type },
        { body: "{", type },
        { body: "{}", type: "text/plain" },
        { body: "[".repeat(100), type },
        { body: '{"a":'.repeat(50), type },
      ),
    },
  );
}

function headersOf({ parameters }: Operation): fc.Arbitrary<Record<string, string>> {
  const names = parameters.filter((one) => one.in === "header").map(({ name }) => name);
  const value = fc.constantFrom("*", "*", '"x"', "", "W/", "00000000.1", "x".repeat(500));
  return fc.subarray(names).chain((chosen) =>
    fc.record(Object.fromEntries(chosen.map((name) => [name, value])))
  );
}

/** What a key of a path can name now. */
async function knownOf(server: TestServer, path: string): Promise<string[]> {
  const read = async (address: string) => (await server.json(address)).body;
  const idsOf = (list: { id: string | number }[]) => list.map(({ id }) => String(id));
  switch (path.split("/")[2]) {
    case "images":
      return idsOf((await read("/api/images?limit=200")).images);
    case "tasks":
      return idsOf((await read("/api/tasks")).tasks);
    case "trash":
      return idsOf((await read("/api/trash?limit=200")).entries);
    case "history":
      return idsOf((await read("/api/history?limit=200")).entries);
    case "operations":
      return idsOf((await read("/api/operations?limit=200")).operations);
    case "implications":
      return idsOf((await read("/api/implications")).implications);
    case "aliases": {
      const lists = ["active", "pending"].map((status) => read(`/api/aliases?status=${status}`));
      const aliases = (await Promise.all(lists)).flatMap((page) => page.aliases);
      return aliases.map(({ antecedent }: { antecedent: string }) => antecedent);
    }
    default:
      return ["ingest"];
  }
}

async function send(server: TestServer, drawn: Drawn): Promise<number> {
  const { route, keys, search, method, headers, body } = drawn;
  const isKnown = Object.values(keys).some((key) => "nth" in key);
  const known = isKnown ? await knownOf(server, route.path) : [];
  const path = route.path.replaceAll(/:(\w+)/g, (_, name) => {
    const key = keys[name];
    const text = "text" in key ? key.text : known[key.nth % known.length];
    // Without it, it would be another path.
    return encodeURIComponent(text?.toWellFormed() || "1");
  });
  const response = await server.request(path + search, { method, headers, body });
  const what = JSON.stringify({ method, path: path + search, headers, body }).slice(0, 2_000);
  await assertDescribed(route, response, what);
  return response.status;
}

/** Drivers of GPUs take seconds. */
const QUICK = isFullTier ? ROUTES : ROUTES.filter(({ path }) => path !== "/api/gpu");

Deno.test("every route answers any request as it is described, and never with a fault of ours", async () => {
  await using server = await startDescribed({ images: runs(40, 300) });
  const isLucky = new Set<RouteDescription>();
  const drawn = fc.oneof(...QUICK.map(requestOf));
  await fc.assert(
    fc.asyncProperty(drawn, async (request) => {
      if (await send(server, request) < 400) isLucky.add(request.route);
    }),
    // What was sent before is a part of a failure: it cannot be made smaller.
    { numRuns: QUICK.length * runs(3, 100), endOnFailure: true },
  );
  const { tasks } = server.library;
  await until("all tasks end", () => !tasks.list().some(isActive), 30_000);
  const faults = tasks.list().filter(({ error }) => error?.code === "internal");
  assertEquals(faults, [], "no task ends with a fault of ours");
  // A fuzz whose requests are all refused would find nothing.
  assert(isLucky.size > QUICK.length * (isFullTier ? 0.9 : 0.3), `${isLucky.size} had a success`);
});
