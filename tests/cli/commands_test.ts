import { assertEquals } from "@std/assert";
import { COMMANDS } from "../../src/cli/commands.ts";

Deno.test("every command of the table has a function that runs it", async () => {
  for (const [name, command] of Object.entries(COMMANDS)) {
    const run: unknown = await command.load();
    assertEquals(typeof run, "function", name);
  }
});
