/**
 * Uses the program in one file as its user would, from an empty machine on: imports, serves, searches, edits,
 * finds duplicates, is killed and starts again. Arguments: the program, an empty folder. With --no-network it
 * demands that nothing but this machine can be reached. Ends with code 0 when all was as it should be.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { followServer, type RunningServer } from "../e2e/server_support.ts";
import { until } from "../http/support.ts";
import { hashTree, writePicture } from "./sample_library.ts";

const PICTURES = 24;

type Place = { program: string; folder: string; pictures: string };

function command({ program, folder }: Place, args: readonly string[]): Deno.Command {
  return new Deno.Command(program, {
    args: [...args],
    cwd: folder,
    clearEnv: true,
    // No Deno, no npm, no settings of a user.
    env: { HOME: join(folder, "home"), PATH: "/usr/bin:/bin", NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

async function run(place: Place, args: readonly string[], wanted = 0): Promise<string> {
  const { code, stdout, stderr } = await command(place, args).output();
  const [out, complaint] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assertEquals(code, wanted, `${args.join(" ")}\n${out}${complaint}`);
  return out;
}

/** A program says how it was started; a compiled binary cannot. */
function toTyped(program: string): string {
  return program.endsWith(".run") ? program : "chibibooru";
}

async function serve(place: Place): Promise<RunningServer> {
  const server = await followServer(command(place, ["serve", "--port", "0"]));
  await until("loaded", async () => (await server.json("/readyz")).status === "ready");
  return server;
}

/** Nothing answers but the loopback: what is not in the file cannot be had. */
async function demandNoNetwork(): Promise<void> {
  const names = Deno.networkInterfaces().map(({ name }) => name);
  assertEquals(names.filter((name) => name !== "lo"), []);
  const error = await Deno.connect({ hostname: "192.0.2.1", port: 443 }).catch((error) => error);
  assert(error instanceof Error, "an address on the network answers");
}

async function makePictures({ pictures }: Place): Promise<void> {
  for (let i = 0; i < PICTURES; i++) {
    await writePicture(join(pictures, `set ${i % 3}`, `${i}.png`), i, {
      ".txt": `number_${i % 4}\ncarried`,
    });
  }
}

async function fetchBytes(server: RunningServer, path: string, type: string): Promise<number> {
  const response = await fetch(server.origin + path);
  const bytes = await response.bytes();
  assertEquals(response.status, 200, path);
  assertStringIncludes(response.headers.get("content-type") ?? "", type);
  return bytes.length;
}

/** Pages, their assets, thumbnails, both APIs: all that is read from the file by and by. */
async function lookAround(server: RunningServer): Promise<void> {
  const { total, images } = await server.json("/api/images?q=carried+number_1");
  assertEquals(total, PICTURES / 4);
  const { urls } = await server.json(`/api/images/${images[0].id}`);
  assert(await fetchBytes(server, urls.thumbnail, "image/webp") > 20);
  assert(await fetchBytes(server, urls.file, "image/png") > 20);
  for (const path of ["/", "/tasks", "/duplicates", "/help/search", "/api/docs"]) {
    assert(await fetchBytes(server, path, "text/html") > 500);
  }
  assert(await fetchBytes(server, "/assets/app.js", "text/javascript") > 100);
  const posts = await (await fetch(`${server.origin}/posts.json?tags=number_2&limit=5`)).json();
  assertEquals(posts.length, 5);
}

/** An edit that was answered is there after a kill. */
async function editAndKill(place: Place): Promise<void> {
  const server = await serve(place);
  await lookAround(server);
  const edited = await fetch(`${server.origin}/api/images/1/tags`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ add: ["kept_after_a_kill"] }),
  });
  assertEquals(edited.status, 200, await edited.text());
  await server.stop("SIGKILL");
  // Nothing but what it has to say.
  assertMatch(server.output(), /^Opening /);
  assertEquals(server.output().includes("Deno"), false, server.output());
  const again = await serve(place);
  assertEquals((await again.json("/api/images?q=kept_after_a_kill")).total, 1);
  assertEquals((await again.stop("SIGTERM")).code, 0);
}

async function findDuplicates(place: Place): Promise<void> {
  const images = join(place.folder, "library/images");
  const [[original]] = [...(await hashTree(images)).values()];
  await Deno.copyFile(original, join(images, "zz copy.png"));
  const looked = JSON.parse(await run(place, ["dedupe", "--json"]));
  assertEquals([looked.duplicates_found, looked.duplicates_removed], [1, 0]);
  const done = JSON.parse(await run(place, ["dedupe", "--delete", "--json"]));
  assertEquals([done.duplicates_found, done.duplicates_removed], [1, 1]);
  assertEquals(JSON.parse(await run(place, ["trash", "list", "--json"])).entries.length, 1);
}

if (import.meta.main) {
  const [program, folder, flag] = Deno.args;
  const place = { program, folder, pictures: join(folder, "my pictures") };
  if (flag === "--no-network") await demandNoNetwork();
  await Deno.mkdir(join(folder, "home"));
  await makePictures(place);
  const version = (await run(place, ["--version"])).trim();
  assertStringIncludes(await run(place, ["--help"]), `  ${toTyped(program)} serve `);
  const report = JSON.parse(await run(place, ["import", "my pictures", "--json"]));
  assertEquals([report.added, report.failed ?? 0], [PICTURES, 0]);
  await editAndKill(place);
  await findDuplicates(place);
  await run(place, ["check"]);
  await run(place, ["backup"]);
  assertStringIncludes(await run(place, ["doctor"]), `ChibiBooru: ${version}`);
  await run(place, ["nonsense"], 2);
  console.log(`ChibiBooru ${version} did all that it should`);
}
