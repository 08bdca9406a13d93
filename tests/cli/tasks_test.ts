import { assert, assertEquals } from "@std/assert";
import denoConfig from "../../deno.json" with { type: "json" };
import { COMMANDS } from "../../src/cli/commands.ts";

/** Tasks that run the program and are for maintainers. */
const MAINTAINERS = ["dev"];

/** Tasks that run the program, with the set and the command that each names. */
function readProgramTasks(): { name: string; set: string | undefined; command: string }[] {
  return Object.entries(denoConfig.tasks)
    .map(([name, { command }]) => ({ name, words: command.split(" ") }))
    .filter(({ words }) => words.includes("main.ts"))
    .map(({ name, words }) => ({
      name,
      set: words.find((word) => word.startsWith("-P="))?.slice("-P=".length),
      command: words.slice(words.indexOf("main.ts") + 1).join(" "),
    }));
}

Deno.test("the program's commands are deno.json's user tasks, and no others", () => {
  const tasks = readProgramTasks().filter(({ name }) => !MAINTAINERS.includes(name));
  assertEquals(
    tasks.map(({ name }) => name).toSorted(),
    Object.keys(COMMANDS).toSorted(),
  );
  for (const { name, command } of tasks) assertEquals(command, name, "a task is its command");
});

Deno.test("every task that runs the program has one of the sets of permissions, and never asks", () => {
  const sets = ["serve", "manage", "doctor"];
  assertEquals(sets.filter((set) => !Object.hasOwn(denoConfig.permissions, set)), []);
  for (const { name, set } of readProgramTasks()) {
    assert(set !== undefined && sets.includes(set), `${name}: ${set}`);
  }
  for (const [name, { command }] of Object.entries(denoConfig.tasks)) {
    if (!command.includes("main.ts")) continue;
    assert(command.includes(" --no-prompt "), name);
    assert(!/ (-A|--allow-\S+)( |$)/.test(command), name);
  }
});
