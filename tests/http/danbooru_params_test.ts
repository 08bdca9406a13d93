import { assertEquals, assertRejects } from "@std/assert";
import { DanbooruError } from "../../src/http/danbooru/errors.ts";
import { nameMatcher, rangeTest } from "../../src/http/danbooru/matchers.ts";
import { pageOf, Params, readLimit, readPage, toId } from "../../src/http/danbooru/params.ts";
import { Decimal, parseOnly, selectFields, toXml } from "../../src/http/danbooru/render.ts";

const JSON_TYPE = { "content-type": "application/json" };

function request(path: string, init?: RequestInit): Request {
  return new Request(`http://127.0.0.1${path}`, init);
}

function paramsOf(query: string): Promise<Params> {
  return Params.read(request(`/posts.json?${query}`));
}

Deno.test("Params reads forms, JSON and the query alike, and the query wins", async () => {
  const form = new URLSearchParams({ "post[tag_string]": "a b", "post[rating]": "e" });
  const bodies: RequestInit[] = [
    { body: form },
    { body: JSON.stringify({ post: { tag_string: "a b", rating: "e" } }), headers: JSON_TYPE },
    { body: JSON.stringify({ "post[tag_string]": "a b" }), headers: JSON_TYPE },
  ];
  for (const init of bodies) {
    const params = await Params.read(
      request("/posts/1.json?post[rating]=q", { method: "PUT", ...init }),
    );
    assertEquals(params.text("post", "tag_string"), "a b");
    assertEquals(params.text("post", "rating"), "q");
    assertEquals(params.text("post", "source"), undefined);
  }
  const multipart = new FormData();
  multipart.set("post[source]", "x y");
  const params = await Params.read(request("/", { method: "POST", body: multipart }));
  assertEquals(params.text("post", "source"), "x y");
});

Deno.test("Params takes lists, numbers, truth values and null of JSON as texts", async () => {
  const body = JSON.stringify({
    post_id: 5,
    pool: { post_ids: [3, 1], name: null, is_active: true },
  });
  const params = await Params.read(request("/", { method: "POST", body, headers: JSON_TYPE }));
  assertEquals(params.text("post_id"), "5");
  assertEquals(params.list("pool", "post_ids"), ["3", "1"]);
  // "Not set", as typed clients write it.
  assertEquals(params.text("pool", "name"), undefined);
  assertEquals([params.isNull("pool", "name"), params.isNull("pool", "other")], [true, false]);
  assertEquals(params.flag("pool", "is_active"), true);
  assertEquals(params.text("pool"), undefined);
  assertEquals((await paramsOf("a[]=1&a[]=2&b=1,2 3")).list("a"), ["1", "2"]);
  assertEquals((await paramsOf("a[]=1&a[]=2&b=1,2 3")).list("b"), ["1", "2", "3"]);
});

Deno.test("Params never looks at the body of a GET, and refuses one that does not parse elsewhere", async () => {
  // pybooru announces JSON on every GET and sends none.
  const params = await Params.read(request("/posts.json?tags=a", { headers: JSON_TYPE }));
  assertEquals(params.text("tags"), "a");
  for (const body of ["{", "[1]", "null", "3"]) {
    const read = () => Params.read(request("/", { method: "POST", body, headers: JSON_TYPE }));
    assertEquals((await assertRejects(read, DanbooruError)).status, 400, body);
  }
  const empty = await Params.read(request("/", { method: "DELETE", body: "", headers: JSON_TYPE }));
  assertEquals(empty.text("login"), undefined);
});

Deno.test("Params survives names that objects have of their own", async () => {
  const body = '{"__proto__":{"login":"x"},"constructor":"y","post":{"__proto__":{"rating":"e"}}}';
  const params = await Params.read(request("/", { method: "POST", body, headers: JSON_TYPE }));
  assertEquals(params.text("login"), undefined);
  assertEquals(params.text("post", "rating"), undefined);
  assertEquals(params.text("toString"), undefined);
  assertEquals((await paramsOf("a[b=1&[c]=2&d[=3")).text("a[b"), "1");
});

Deno.test("flag() knows Danbooru's spellings in any case", async () => {
  for (const word of ["true", "T", "Yes", "y", "ON", "1"]) {
    assertEquals((await paramsOf(`x=${word}`)).flag("x"), true, word);
  }
  for (const word of ["false", "F", "No", "n", "off", "0"]) {
    assertEquals((await paramsOf(`x=${word}`)).flag("x"), false, word);
  }
  for (const word of ["", "2", "maybe"]) {
    assertEquals((await paramsOf(`x=${word}`)).flag("x"), undefined, word);
  }
});

Deno.test("readPage() knows numbers and keysets in any case; what is neither is page 1", async () => {
  const cases: [string, unknown][] = [
    ["", { kind: "number", number: 1 }],
    ["page=0", { kind: "number", number: 1 }],
    ["page=-3", { kind: "number", number: 1 }],
    ["page=abc", { kind: "number", number: 1 }],
    ["page=5000", { kind: "number", number: 5000 }],
    ["page=b12", { kind: "before", id: 12 }],
    ["page=B12", { kind: "before", id: 12 }],
    ["page=b0", { kind: "before", id: 0 }],
    ["page=a12", { kind: "after", id: 12 }],
    ["page=A99999999999", { kind: "after", id: 0x7fff_ffff }],
  ];
  for (const [query, page] of cases) {
    assertEquals<unknown>(readPage(await paramsOf(query)), page, query);
  }
});

Deno.test("readLimit() is at least 1 and at most the maximum", async () => {
  const cases: [string, number | undefined][] = [
    ["", undefined],
    ["limit=", undefined],
    ["limit=0", 1],
    ["limit=x", 1],
    ["limit=-5", 1],
    ["limit=7", 7],
    ["limit=200", 200],
    ["limit=1000", 200],
    ["limit=99999999999999999999", 200],
  ];
  for (const [query, limit] of cases) {
    assertEquals(readLimit(await paramsOf(query), { max: 200 }), limit, query);
  }
});

Deno.test("pageOf() pages by number as listed and by id the newest first", async () => {
  const entries = [4, 1, 3, 5, 2].map((id) => ({ id }));
  const page = async (query: string) => pageOf(entries, await paramsOf(query)).map(({ id }) => id);
  assertEquals(await page(""), [4, 1, 3, 5, 2]);
  assertEquals(await page("limit=2&page=2"), [3, 5]);
  assertEquals(await page("limit=2&page=9"), []);
  assertEquals(await page("limit=2&page=b4"), [3, 2]);
  assertEquals(await page("limit=2&page=a2"), [4, 3]);
  assertEquals(await page("page=b0"), []);
  assertEquals(await page("page=a999"), []);
});

Deno.test("rangeTest() reads the ranges of search fields", () => {
  const cases: [string, number[]][] = [
    ["3", [3]],
    [">3", [4, 5]],
    [">=3", [3, 4, 5]],
    ["<2", [1]],
    ["<=2", [1, 2]],
    ["2..4", [2, 3, 4]],
    ["4..2", [2, 3, 4]],
    ["2...4", [2, 3]],
    ["4..", [4, 5]],
    ["..2", [1, 2]],
    ["1,5", [1, 5]],
    ["1 4..", [1, 4, 5]],
    ["any", [1, 2, 3, 4, 5]],
    ["x", []],
    ["..", []],
    ["3x", []],
  ];
  for (const [text, expected] of cases) {
    assertEquals([1, 2, 3, 4, 5].filter(rangeTest(text)), expected, text);
  }
});

Deno.test("nameMatcher() knows stars, any case and spaces, in time that is linear", () => {
  const cases: [string, string, boolean][] = [
    ["blue_hair", "blue_hair", true],
    ["Blue Hair", "blue_hair", true],
    ["blue", "blue_hair", false],
    ["blue*", "blue_hair", true],
    ["*hair", "blue_hair", true],
    ["*lue*ai*", "blue_hair", true],
    ["b*e*r", "blue_hair", true],
    ["*air*lue*", "blue_hair", false],
    ["*", "", true],
    ["ab*ba", "aba", false],
    ["a.c", "abc", false],
  ];
  for (const [pattern, name, expected] of cases) {
    assertEquals(nameMatcher(pattern)(name), expected, `${pattern} ${name}`);
  }
  const hostile = nameMatcher("*a".repeat(2_000) + "*b");
  assertEquals(hostile("a".repeat(10_000)), false);
});

Deno.test("toId() takes an id and nothing else", () => {
  assertEquals(["1", " 7 ", "2147483647"].map(toId), [1, 7, 2147483647]);
  const bad = ["", "0", "-1", "1x", "2147483648", "99999999999", "1.5", undefined];
  assertEquals(bad.map(toId), bad.map(() => undefined));
});

Deno.test("selectFields() keeps what only names, in its own order, and drops the unknown", () => {
  const fields = { id: 1, name: "n", inner: { a: 1, b: [{ c: 2, d: 3 }] } };
  const associations = { parent: () => ({ id: 9, name: "p" }), none: () => null };
  const select = (only: string | undefined) => selectFields(fields, parseOnly(only), associations);
  assertEquals(select(undefined), fields);
  assertEquals(select(""), fields);
  assertEquals<unknown>(select("name,id"), { id: 1, name: "n" });
  assertEquals(Object.keys(select("name,id")), ["id", "name"]);
  assertEquals<unknown>(select("id,parent"), { id: 1, parent: { id: 9, name: "p" } });
  assertEquals<unknown>(select("parent[id],none[x],unknown,toString"), {
    parent: { id: 9 },
    none: null,
  });
  assertEquals<unknown>(select("inner[a,b[d]]"), { inner: { a: 1, b: [{ d: 3 }] } });
  assertEquals<unknown>(select("inner[a"), { inner: { a: 1 } });
  assertEquals<unknown>(select("]],[x],id"), { id: 1 });
});

Deno.test("Decimal keeps a fraction in JSON", () => {
  assertEquals(
    JSON.stringify([4, 4.25, 0, 1e21].map((n) => new Decimal(n))),
    "[4.0,4.25,0.0,1e+21]",
  );
});

Deno.test("toXml() writes what Rails writes", () => {
  const value = [{ id: 1, tag_string: 'a<b & "c"\u0001', parent_id: null, is_ok: true, list: [] }];
  assertEquals(
    toXml(value, "posts").split("\n")[1],
    '<posts type="array"><post><id type="integer">1</id>' +
      "<tag-string>a&lt;b &amp; &quot;c&quot;</tag-string>" +
      '<parent-id nil="true"/><is-ok type="boolean">true</is-ok><list type="array"/></post></posts>',
  );
});
