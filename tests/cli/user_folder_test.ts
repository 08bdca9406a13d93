import { assertEquals } from "@std/assert";
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
