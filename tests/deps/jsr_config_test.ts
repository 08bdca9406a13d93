import { assert, assertEquals } from "@std/assert";

/** The names that the two configurations bind to different modules. */
const BOUND_NAMES = ["@db/sqlite", "@std/assert", "@std/async", "@std/crypto", "#sqlite-backup"];

interface Config extends Record<string, unknown> {
  imports: Record<string, string>;
}

function readConfig(name: string): Config {
  const url = new URL(`../../${name}`, import.meta.url);
  return JSON.parse(Deno.readTextFileSync(url));
}

/** Returns the configuration without what the other may bind in its own way. */
function withoutBindings(config: Config): Record<string, unknown> {
  const { imports, lock: _lock, ...rest } = config;
  const names = Object.keys(imports);
  const shared = names.filter((name) => !BOUND_NAMES.includes(name));
  return { ...rest, names, imports: shared.map((name) => [name, imports[name]]) };
}

Deno.test("deno.jsr.json equals deno.json but for the bound names and the lock", () => {
  const actual = withoutBindings(readConfig("deno.jsr.json"));
  const expected = withoutBindings(readConfig("deno.json"));
  assertEquals(actual, expected, "copy what changed in deno.json to deno.jsr.json");
});

Deno.test("deno.jsr.json binds exact versions of JSR and keeps no lock", () => {
  const { imports, lock } = readConfig("deno.jsr.json");
  assertEquals(lock, false);
  assertEquals(imports["#sqlite-backup"], "./src/deps/sqlite_backup_jsr.ts");
  for (const name of BOUND_NAMES.filter((name) => name.startsWith("@"))) {
    const version = imports[name].replace(`jsr:${name}@`, "");
    assert(/^\d+\.\d+\.\d+$/.test(version), `${name} is bound to ${imports[name]}`);
  }
});

Deno.test("deno.json binds the same names to adapters of this project", () => {
  const { imports } = readConfig("deno.json");
  for (const name of BOUND_NAMES) {
    assert(imports[name].startsWith("./src/deps/"), `${name} is bound to ${imports[name]}`);
  }
});
