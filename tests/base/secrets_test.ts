import { assert, assertEquals } from "@std/assert";
import { hideSecrets, isSameSecret, setSecrets } from "../../src/base/secrets.ts";

Deno.test("isSameSecret() tells equal texts from others, whatever their lengths", () => {
  assert(isSameSecret("a key", "a key") && isSameSecret("", ""));
  for (const other of ["a ke", "a key ", "A key", "", "\0a key"]) {
    assert(!isSameSecret("a key", other), other);
  }
});

Deno.test("hideSecrets() finds known secrets in every form, the longer one first", () => {
  setSecrets(['q"uo/te+ d', "quo", "long", "longer-one"]);
  try {
    const table: [text: string, hidden: string][] = [
      ['see q"uo/te+ d here', "see *** here"],
      [JSON.stringify({ a: 'q"uo/te+ d' }), '{"a":"***"}'],
      [`/x?y=${encodeURIComponent('q"uo/te+ d')}&z=1`, "/x?y=***&z=1"],
      [`/x?${new URLSearchParams({ y: 'q"uo/te+ d' })}`, "/x?y=***"],
      ["longer-one and long", "*** and ***"],
      // Too short to be looked for: it would be found in every text.
      ["quo vadis", "quo vadis"],
    ];
    for (const [text, hidden] of table) assertEquals(hideSecrets(text), hidden);
  } finally {
    setSecrets([]);
  }
  assertEquals(hideSecrets("longer-one"), "longer-one");
});

Deno.test("hideSecrets() empties what addresses and headers carry, and leaves the rest", () => {
  const table: [text: string, hidden: string][] = [
    [
      "GET /posts.json?login=me&api_key=abc&tags=hat",
      "GET /posts.json?login=***&api_key=***&tags=hat",
    ],
    ["?API_KEY=abc#end", "?API_KEY=***#end"],
    ["/login?next=%3Fapi_key%3Dabc", "/login?next=%3Fapi_key%3D***"],
    ['Headers { authorization: "Basic bWU6a2V5" }', 'Headers { authorization: "***" }'],
    ['{"authorization":"Bearer abc.def"}', '{"authorization":"***"}'],
    ["X-Api-Key: abc", "X-Api-Key: ***"],
    ["basic training of token_ring", "basic training of token_ring"],
    ["/api/images?q=order:score", "/api/images?q=order:score"],
  ];
  for (const [text, hidden] of table) assertEquals(hideSecrets(text), hidden);
});
