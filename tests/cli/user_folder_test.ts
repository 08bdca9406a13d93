import { assertEquals, assertThrows } from "@std/assert";
import { AppError } from "../../src/base/errors.ts";
import { findUserFolder } from "../../src/cli/user_folder.ts";

Deno.test("findUserFolder() takes what a task or the packaged file says, else the folder it is in", () => {
  for (const form of ["sources", "package"] as const) {
    assertEquals(findUserFolder(() => "/home/me", form), "/home/me");
    assertEquals(findUserFolder(() => undefined, form), Deno.cwd());
  }
});

Deno.test("findUserFolder() of a compiled binary does not even look at INIT_CWD", () => {
  const env = (name: string): string => {
    throw new Deno.errors.NotCapable(`Requires env access to "${name}"`);
  };
  assertEquals(findUserFolder(env, "binary"), Deno.cwd());
});

Deno.test("findUserFolder() says so when the folder's name is no text", () => {
  const env = (): string => {
    throw new Deno.errors.InvalidData("environment variable was not valid unicode");
  };
  assertThrows(() => findUserFolder(env, "package"), AppError, "is not UTF-8");
});
