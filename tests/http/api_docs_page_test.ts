import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { toCurl } from "../../src/http/openapi/curl.ts";
import { toOperationId } from "../../src/http/openapi/document.ts";
import type { RouteDescription } from "../../src/http/openapi/route.ts";
import { ROUTES } from "../../src/http/openapi/routes.ts";
import { toBoundsText, toTypePieces } from "../../src/http/openapi/type_text.ts";
import { routeOf, startDescribed } from "./openapi_support.ts";

const LOCAL = { origin: "http://127.0.0.1:8000", hasSecret: false };

Deno.test("GET /api/docs has every route, needs no script, and takes nothing from elsewhere", async () => {
  await using server = await startDescribed();
  const response = await server.request("/api/docs");
  const page = await response.text();
  assertEquals(response.headers.get("content-type"), "text/html; charset=UTF-8");
  for (const route of ROUTES) assertStringIncludes(page, `id="${toOperationId(route)}"`);
  for (const [, name] of page.matchAll(/href="#([^"]+)"/g)) {
    assertStringIncludes(page, `id="${name}"`);
  }
  const sources = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address);
  assert(sources.every((address) => /^[/#]/.test(address)), sources.join(" "));
  assertStringIncludes(page, "curl &#39;http://localhost/api/images?");
  const words = page.replaceAll(/<[^>]+>/g, "");
  for (const fault of ["undefined", "[object Object]", "any JSON[]"]) {
    assert(!words.includes(fault), fault);
  }
});

Deno.test("toCurl() gives a request that a shell runs as it is", async () => {
  const body = { query: "it's", add: ["$(id)"] };
  const route: RouteDescription = {
    ...routeOf("post", "/api/tags/bulk"),
    path: "/api/x/:name",
    example: { keys: { name: "a b/'c" }, query: { q: "solo -hat&x" }, body },
  };
  const line = toCurl(route, LOCAL);
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", `curl() { for word; do printf '%s\\n' "$word"; done; }; ${line}`],
  }).output();
  assertEquals(new TextDecoder().decode(stdout).trimEnd().split("\n"), [
    "-X",
    "POST",
    "-H",
    "Content-Type: application/json",
    "-d",
    JSON.stringify(body),
    "http://127.0.0.1:8000/api/x/a%20b%2F'c?q=solo+-hat%26x",
  ]);
});

Deno.test("toCurl() sends the secret only where one is asked for", () => {
  const header = '-H "Authorization: Bearer $CHIBIBOORU_ADMIN_SECRET"';
  const of = (method: string, path: string, hasSecret: boolean) =>
    toCurl(routeOf(method, path), { ...LOCAL, hasSecret });
  assertStringIncludes(of("post", "/api/rebuild", true), header);
  assertEquals(
    of("post", "/api/rebuild", false),
    "curl -X POST 'http://127.0.0.1:8000/api/rebuild'",
  );
  assertEquals(of("get", "/api/status", true), "curl 'http://127.0.0.1:8000/api/status'");
  assertEquals(of("get", "/api/tasks/events", true).slice(0, 8), "curl -N ");
});

Deno.test("toTypePieces() writes types as TypeScript does", () => {
  const write = (schema: Record<string, unknown>) =>
    toTypePieces(schema).map((piece) => "text" in piece ? piece.text : `<${piece.name}>`).join("");
  const text = { type: "string" };
  for (
    const [schema, wanted] of [
      [{ type: ["string", "null"] }, "string | null"],
      [{ enum: ["a", "b"] }, '"a" | "b"'],
      [{ const: "a" }, '"a"'],
      [{ type: "array", items: text }, "string[]"],
      [{ type: "array", items: { anyOf: [text, { type: "null" }] } }, "(string | null)[]"],
      [{ anyOf: [{ $ref: "#/components/schemas/Task" }, { type: "null" }] }, "<Task> | null"],
      [{ type: "array", prefixItems: [{ type: "integer" }, text] }, "[integer, string]"],
      [{}, "any JSON"],
      [{ type: "object", properties: {}, additionalProperties: false }, "{}"],
      [
        { type: "object", propertyNames: { enum: ["a"] }, additionalProperties: text },
        '{\n  ["a"]: string\n}',
      ],
      [
        {
          type: "object",
          properties: { a: { ...text, description: "What" }, b: { type: "integer", minimum: 1 } },
          required: ["a"],
        },
        "{\n  // What\n  a: string\n  // from 1\n  b?: integer\n}",
      ],
    ] as const
  ) assertEquals(write(schema), wanted);
});

Deno.test("toBoundsText() says what a value may be", () => {
  assertEquals(toBoundsText({}), "");
  assertEquals(toBoundsText({ minimum: 1, maximum: 200, default: 40 }), "1 to 200, by default 40");
  assertEquals(toBoundsText({ maximum: 5 }), "at most 5");
  assertEquals(
    toBoundsText({ minLength: 1, maxLength: 9, default: "" }),
    'at least 1 characters, at most 9 characters, by default ""',
  );
});
