import { assertEquals } from "@std/assert";
import config from "../../../deno.json" with { type: "json" };
import { COMMANDS } from "../../../src/cli/commands.ts";
import { readPermissionSets, type TaskConfig } from "../../../tools/package/permission_sets.ts";

Deno.test("readPermissionSets() gives every command the permissions of its task", () => {
  const { commands, permissions } = readPermissionSets(config as unknown as TaskConfig);
  assertEquals(commands.map(({ name }) => name).sort(), Object.keys(COMMANDS).sort());
  assertEquals(Object.keys(permissions).sort(), ["doctor", "manage", "serve"]);
  const setOf = (name: string) => commands.find((each) => each.name === name)?.set;
  assertEquals([setOf("serve"), setOf("doctor"), setOf("import")], ["serve", "doctor", "manage"]);
  for (const [name, set] of Object.entries(permissions)) {
    assertEquals(set, config.permissions[name as "serve"]);
  }
});
