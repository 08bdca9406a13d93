import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { AppError } from "../../src/base/errors.ts";
import { describeError } from "../../src/cli/describe_error.ts";

Deno.test("describeError() names the thing and the remedy of an expected failure, without a stack", () => {
  const error = new AppError("port_in_use", "Cannot listen on port 80", { remedy: "Use another" });
  assertEquals(describeError(error), "chibibooru: Cannot listen on port 80\nUse another.");
  assertEquals(describeError(new AppError("internal", "It broke")), "chibibooru: It broke");
  const asking = new AppError("bad_request", "No", { remedy: "Did you mean yes?" });
  assertEquals(describeError(asking), "chibibooru: No\nDid you mean yes?");
});

Deno.test("describeError() shows the stack of a bug", () => {
  const text = describeError(new TypeError("x is not a function"));
  assertStringIncludes(text, "please report");
  assertStringIncludes(text, "x is not a function");
  assertStringIncludes(text, "describe_error_test.ts");
  assertStringIncludes(describeError("a thrown text"), "a thrown text");
});

Deno.test("describeError() escapes what a file name could do to a terminal", () => {
  for (
    const error of [new AppError("not_found", "no \x1b[2J\u202e file\r"), new Error("\x1b]0;x")]
  ) {
    const text = describeError(error);
    // deno-lint-ignore no-control-regex -- control characters are what must not be there
    assert(!/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/.test(text), JSON.stringify(text));
  }
});
