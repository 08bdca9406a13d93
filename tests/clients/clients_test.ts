import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { importFolders } from "../../src/library/import_folder.ts";
import type { Library } from "../../src/library/library.ts";
import { startBooru } from "../http/danbooru_support.ts";
import { listen, md5, type Picture, startServer } from "../http/support.ts";
import { pictureBytes, rowsOf, withLibrary } from "../support/sample_library.ts";
import { withTempDir } from "../support/temp.ts";
import { isFullTier } from "../support/tier.ts";

/*
 * The real clients of other people against a server on loopback, each in a process of its own. They take
 * seconds, so they belong to the full tier; what is left out is said by name.
 */

const HERE = new URL("./", import.meta.url).pathname;
const ROOT = new URL("../../", import.meta.url).pathname;
const KEY = "a key";
/** Three pages of what gallery-dl asks for: 200, 200, 50. */
const POSTS = 450;

async function hasGalleryDl(): Promise<boolean> {
  try {
    await new Deno.Command("gallery-dl", { args: ["--version"], stdout: "null" }).output();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

const canRun = { npm: isFullTier, galleryDl: isFullTier && await hasGalleryDl() };

Deno.test("clients that are not run are named, and in CI none is left out of the full tier", () => {
  const leftOut = [
    ...canRun.npm ? [] : ["npm danbooru", "npm booru"],
    ...canRun.galleryDl ? [] : ["gallery-dl"],
  ];
  if (leftOut.length === 0) return;
  const why = isFullTier
    ? "it is not installed (apt-get install gallery-dl)"
    : "they run in the full tier (deno task test:full)";
  const message = `Left out: ${leftOut.join(", ")}: ${why}`;
  console.log(message);
  const isAsked = isFullTier && (Deno.env.get("CI") ?? "") !== "";
  assert(!isAsked, message);
});

/** Runs a program to its end; what it wrote to standard output. */
async function run(program: string, args: readonly string[]): Promise<string> {
  const command = new Deno.Command(program, { args: [...args], cwd: ROOT, env: { NO_COLOR: "1" } });
  const { success, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  const text = decoder.decode(stdout);
  assert(success, `${program} failed: ${decoder.decode(stderr)}${text}`);
  return text;
}

/** Runs a script with an npm client; what it told as JSON. */
// deno-lint-ignore no-explicit-any -- what is read of it is what is asserted
async function runScript(name: string, args: readonly string[]): Promise<any> {
  const script = join(HERE, name);
  return JSON.parse(await run(Deno.execPath(), ["run", "--quiet", "-P=test", script, ...args]));
}

async function testNpmDanbooru(): Promise<void> {
  await using server = await startBooru({ apiKey: KEY });
  await using at = listen(server.app);
  const told = await runScript("npm_danbooru.js", [at.origin, `me:${KEY}`]);
  assertEquals([told.foundStatus, told.found], [200, [1, 2]]);
  assertEquals([told.shown.status, told.shown.data.tag_string], [200, "hat solo"]);
  assertEquals([told.edited.status, told.edited.data.tag_string], [200, "new_tag solo"]);
  assertEquals(told.edited.data.rating, "s");
  assertEquals([told.favourite.status, told.favourite.data.id], [201, 2]);
  assertEquals(told.favourites, [2]);
  assertEquals([told.missing.status, told.missing.data.success], [404, false]);
  assertEquals([told.refused.status, told.refused.data.error], [422, "PostQuery::Error"]);
  assertEquals(told.denied, [401, 401]);
  // Its DELETE has a body of which nobody is told, so the key never comes; what it asks next is answered.
  assertEquals([told.removed.status, told.removed.data.success], [401, false]);
  assertEquals(told.afterRemoved, [200, 2]);
  assertMatch(told.file, new RegExp(`^${at.origin}/files/1/[0-9a-f]{32}\\.png$`));
}

async function testNpmBooru(): Promise<void> {
  await using server = await startBooru({ apiKey: KEY });
  await using at = listen(server.app);
  const host = at.origin.slice("http://".length);
  const told = await runScript("npm_booru.js", [host, "me", KEY]);
  assertEquals(told.found.map(({ id }: { id: string }) => id), ["2", "1"]);
  const [two, one] = told.found;
  assertEquals([two.rating, two.available, two.tags], ["e", true, ["hat", "solo"]]);
  assertEquals([one.width, one.createdAt], [1000, "2024-01-05T12:30:00.000Z"]);
  assertMatch(one.fileUrl, new RegExp(`^${at.origin}/files/1/`));
  assertMatch(one.previewUrl, new RegExp(`^${at.origin}/thumbnails/1/`));
  assertEquals([told.safe, told.random, told.second], [[], 1, ["2", "1"]]);
  assertEquals([told.count, told.view], [2, `${at.origin}/posts/2`]);
  assertEquals(told.tags[0], { name: "unused", count: 0 });
  assertMatch(told.fault, /422.*never closed/);
  const wrong = await runScript("npm_booru.js", [host, "me", "wrong"]).catch((error) => error);
  assertMatch(String(wrong), /Invalid API key/);
}

const TAGS = [
  { name: "of_all" },
  { name: "solo" },
  { name: "re:zero" },
  { name: ":)" },
  { name: "fate/stay_night", category: "copyright" },
  { name: "初音ミク", category: "character" },
  { name: `don't_say_"lazy"`, category: "copyright" },
  { name: "rem_(re:zero)", category: "character" },
  { name: "some & <one>", category: "artist" },
  { name: "highres", category: "meta" },
  ...["general", "sensitive", "questionable", "explicit"].map((rating) => ({
    name: `rating:${rating}`,
    category: "rating",
  })),
].map((tag) => ({ ...tag, name: tag.name.replaceAll(" ", "_") }));

/** Distinct pictures with tags of every kind; the last ones do not match the search. */
async function makePictures(): Promise<Picture[]> {
  const [ratings, others] = [TAGS.slice(-4), TAGS.slice(1, -4)];
  return await Promise.all(Array.from({ length: POSTS + 5 }, async (_, i) => ({
    bytes: await pictureBytes(i + 1),
    filepath: `${i % 7}/${i}.png`,
    tags: [
      ...i < POSTS ? ["of_all"] : [],
      ratings[i % 4].name,
      ...others.filter((_, place) => (i >> (place % 6)) % 2 === 1).map(({ name }) => name),
    ],
    sourceUrl: i % 2 === 0 ? `https://example.org/${i}` : undefined,
  })));
}

/** md5 → tags with categories of every image that has the tag of all. */
function tagsByMd5({ core }: Library): Record<string, string> {
  return Object.fromEntries(rowsOf<[string, string]>(
    core.reader,
    `SELECT md5, group_concat(category || ':' || name, ' ' ORDER BY name) FROM images
     JOIN image_tags ON image_id = images.id JOIN tags ON tags.id = tag_id
     GROUP BY md5 HAVING sum(name = 'of_all') = 1 ORDER BY md5`,
  ));
}

async function downloaded(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) found.push(...await downloaded(path));
    else if (name.endsWith(".png")) found.push(md5(await Deno.readFile(path)));
  }
  return found.sort();
}

async function testGalleryDl(): Promise<void> {
  await using server = await startServer({
    tags: TAGS,
    pictures: await makePictures(),
    apiKey: KEY,
  });
  await using at = listen(server.app);
  const expected = tagsByMd5(server.library);
  assertEquals(Object.keys(expected).length, POSTS);
  await withTempDir(async (folder) => {
    const config = join(folder, "config.json");
    const own = { root: at.origin, username: "me", password: KEY, "sleep-request": 0 };
    const extractor = { "base-directory": join(folder, "out"), Danbooru: { mybooru: own } };
    await Deno.writeTextFile(config, JSON.stringify({ extractor: { ...extractor, mybooru: own } }));
    const search = (tags: string) => `${at.origin}/posts?tags=${encodeURIComponent(tags)}`;
    const args = ["--config-ignore", "--config", config, "--write-metadata"];
    await run("gallery-dl", [...args, search("of_all")]);
    assertEquals(await downloaded(join(folder, "out")), Object.keys(expected));
    await withLibrary(async ({ library }) => {
      const report = await importFolders(library, { folders: [join(folder, "out")], mode: "copy" });
      assertEquals([report.added, report.skipped], [POSTS, []]);
      assertEquals(tagsByMd5(library), expected);
      // What comes from a copy of this server is never taken for a post of the site.
      const sources = rowsOf(library.core.reader, "SELECT name FROM sources");
      assertEquals(sources, [["mybooru"]]);
    });
    // A pool, a search in another order, and one that finds nothing.
    server.write(`INSERT INTO pools (id, name) VALUES (1, 'Three')`);
    server.write(
      `INSERT INTO pool_images (pool_id, image_id, sort_order) VALUES (1, 9, 1), (1, 4, 2), (1, 7, 3)`,
    );
    await server.library.core.poll();
    const urls = async (address: string) =>
      (await run("gallery-dl", ["--config-ignore", "--config", config, "--get-urls", address]))
        .split("\n").filter((line) => line !== "");
    assertEquals((await urls(`${at.origin}/pools/1`)).length, 3);
    assertEquals((await urls(`${at.origin}/posts/5`)).length, 1);
    assertEquals((await urls(search("of_all order:score id:<=250"))).length, 250);
    assertEquals(await urls(search("no_such_tag")), []);
  });
}

if (canRun.npm) {
  Deno.test("npm danbooru searches, shows, edits and favours", testNpmDanbooru);
  Deno.test("npm booru searches, counts and lists tags", testNpmBooru);
}
if (canRun.galleryDl) {
  Deno.test(
    "gallery-dl downloads every file of a search, and its sidecars bring the tags back",
    testGalleryDl,
  );
}
