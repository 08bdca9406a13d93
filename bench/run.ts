/** Runs one bench, or all: `deno task bench [name [arguments…]]`. */
const BENCHES = ["load", "search", "http", "similar", "autocomplete", "dedupe", "package"];

const [name, ...rest] = Deno.args;
const chosen = name === undefined ? BENCHES : BENCHES.filter((bench) => bench === name);
if (chosen.length === 0) {
  console.error(`There is no bench "${name}". Use one of: ${BENCHES.join(", ")}`);
  Deno.exit(2);
}
for (const bench of chosen) {
  const path = new URL(`./${bench}_bench.ts`, import.meta.url).pathname;
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", path, ...rest],
  }).spawn().status;
  if (code !== 0) Deno.exit(code);
}
