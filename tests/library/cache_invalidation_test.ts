import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { join } from "node:path";
import { addAlias, removeAlias } from "../../src/library/aliases.ts";
import { editTagsOfSearch } from "../../src/library/bulk_edit.ts";
import { checkLibrary } from "../../src/library/check_library.ts";
import { scanAndRemoveDuplicates } from "../../src/library/dedupe.ts";
import { editPost } from "../../src/library/edit_post.ts";
import { editImageTags } from "../../src/library/edit_tags.ts";
import { setFavourite } from "../../src/library/favourites.ts";
import { undoEdit, undoOperation } from "../../src/library/history.ts";
import { addImplication, removeImplication } from "../../src/library/implications.ts";
import type { Library } from "../../src/library/library.ts";
import { savePool } from "../../src/library/pools.ts";
import { rebuildLibrary } from "../../src/library/rebuild.ts";
import { refreshLibrary } from "../../src/library/rebuild_refresh.ts";
import { setSourcePriority, switchActiveSource } from "../../src/library/switch_source.ts";
import { importTagCsv } from "../../src/library/tags_import.ts";
import type { Task } from "../../src/library/tasks.ts";
import { moveToTrash, restoreFromTrash } from "../../src/library/trash.ts";
import { readPosition } from "../../src/store/change_log.ts";
import { startServer, type TestServer, until } from "../http/support.ts";
import { importSource, writePicture } from "../support/sample_library.ts";
import { withTempDir } from "../support/temp.ts";
import { fullTierTest } from "../support/tier.ts";

/*
 * Every kind of write, one after the other on one library with warm caches: when its function returns,
 * everything that is served must be what a server says that has just loaded all of it. Nothing polls here.
 */

const DANBOORU = { id: 11, tag_string_general: "solo from_danbooru smile", rating: "s", score: 3 };
const E621 = {
  id: 9,
  file: { width: 1, height: 1 },
  score: { total: -4 },
  flags: {},
  tags: { general: ["solo", "from_e621"] },
  rating: "e",
};
const QUERIES = [
  ...[
    "",
    "solo",
    "-solo",
    "from_e621",
    "kitten",
    "cat",
    "feline",
    "new",
    "bulk",
    "artist:somebody",
  ],
  ...["rating:e", "score:<0", "fav:any", "pool:any", "parent:any", "fro*", "tagcount:>3", "neko"],
  ...["solo order:score", "status:any", "filesize:>0", "-rating:s", "arttags:>0"],
];
const WORDS = ["so", "kit", "ca", "ne", "new", "bul", "somebody", "fr", "pool:", "smi"];
const IDS = [1, 2, 3, 4, 5, 6];

/** What stands for when it was asked, and not for what the library holds. */
const PASSING = new Set(["tookMs", "generation"]);

function withoutPassing(body: unknown): unknown {
  return JSON.parse(
    JSON.stringify(body, (key, value) => PASSING.has(key) ? undefined : value),
  );
}

/** Everything that is served of a library, by where it was asked for. */
async function look({ json, request, library }: TestServer): Promise<Record<string, unknown>> {
  const { cache } = library.core;
  const seen: Record<string, unknown> = {};
  const ask = async (path: string) => {
    const { status, body, headers } = await json(path);
    seen[path] = [status, withoutPassing(body), headers.get("etag")];
  };
  for (const query of QUERIES) await ask(searchOf(query));
  for (const word of WORDS) await ask(`/api/tags/autocomplete?${new URLSearchParams({ q: word })}`);
  for (const id of IDS) {
    for (const path of [`/api/images/${id}`, `/api/images/${id}/similar`, `/posts/${id}.json`]) {
      await ask(path);
    }
    const page = await request(`/posts/${id}`);
    seen[`/posts/${id}`] = [page.status, await page.text()];
  }
  for (
    const path of ["/api/tags?limit=200", "/tags.json?limit=200", "/api/aliases", "/pools.json"]
  ) {
    await ask(path);
  }
  const counts = [...cache.getTagCounts()]
    .map(([id, count]): [string, number] => [library.core.tagIds.getName(id)!, count])
    .filter(([, count]) => count > 0);
  seen.counts = Object.fromEntries(counts.sort(([a], [b]) => a < b ? -1 : 1));
  seen.paths = [...cache.getImageData()].map(({ filepath, tagIds }) =>
    `${filepath}: ${library.core.tagIds.getStringFromIds(tagIds)}`
  ).sort();
  return seen;
}

/** The names of what differs between two looks, and both values. */
function differences(seen: Record<string, unknown>, fresh: Record<string, unknown>) {
  return Object.fromEntries(
    Object.keys({ ...seen, ...fresh })
      .filter((key) => JSON.stringify(seen[key]) !== JSON.stringify(fresh[key]))
      .map((key) => [key, { seen: seen[key], fresh: fresh[key] }]),
  );
}

/** What the library's events told, each with the generation that was served when it came. */
function listen({ core }: Library, signal: AbortSignal) {
  const told: { name: string; generation: number; served: number }[] = [];
  const names = [
    "swapped",
    "imagesChanged",
    "imagesRemoved",
    "tagsChanged",
    "poolsChanged",
    "aliasesChanged",
  ] as const;
  for (const name of names) {
    core.events.on(name, ({ generation }) => {
      told.push({ name, generation, served: core.cache.current.generation });
    }, { signal });
  }
  core.events.registerCacheInvalidationCallback(() => {
    const { generation } = core.cache.current;
    told.push({ name: "invalidated", generation, served: generation });
  }, { signal });
  return told;
}

async function ended(library: Library, task: Task | null): Promise<void> {
  if (task === null) return;
  const now = await until("the task ends", () => {
    const { state } = library.tasks.get(task.id)!;
    return state === "running" ? null : state;
  });
  assertEquals(now, "succeeded");
}

/** What the rows share: the folder of sources, and numbers that later rows use. */
type Shared = { server: TestServer; folder: string; trashId: number; operationId: number };

type Row = {
  name: string;
  /** Done before the caches are warmed. */
  prepare?: (shared: Shared) => Promise<unknown>;
  act: (shared: Shared) => Promise<unknown>;
  /** Some of what must differ after it, so that the row shows something. */
  changes: string[];
};

/** Where a search is asked for. */
function searchOf(query: string): string {
  return `/api/images?${new URLSearchParams({ q: query })}`;
}

const ROWS: Row[] = [
  {
    name: "adding images",
    act: async ({ server: { library }, folder }) => {
      const source = join(folder, "more");
      await writePicture(join(source, "c.png"), 3, { ".txt": "solo\nnew\nartist:somebody" });
      await writePicture(join(source, "d.png"), 4, { ".txt": "kitten\nsolo" });
      await importSource({ library, source });
    },
    changes: [
      "/api/images/3",
      "/api/images/1/similar",
      searchOf("solo"),
      searchOf("new"),
      "counts",
    ],
  },
  {
    name: "adding metadata to an image",
    act: async ({ server: { library }, folder }) => {
      const source = join(folder, "again");
      await writePicture(join(source, "c.png"), 3, { ".json": { ...DANBOORU, id: 12 } });
      await importSource({ library, source });
    },
    changes: ["/api/images/3", "/api/images/1/similar", searchOf("-rating:s"), "counts"],
  },
  {
    name: "removing an image",
    act: async (shared) => {
      shared.trashId = await moveToTrash(shared.server.library, 3);
    },
    changes: ["/api/images/3", "/api/images/1/similar", searchOf("new"), "counts"],
  },
  {
    name: "restoring an image",
    act: ({ server, trashId }) => restoreFromTrash(server.library, trashId),
    changes: ["/api/images/3", "/api/images/1/similar", searchOf("new"), "counts"],
  },
  {
    name: "editing tags",
    act: ({ server: { library } }) =>
      editImageTags(library, { imageId: 1, add: ["new"], remove: ["solo"], expectedTags: null }),
    changes: ["/api/images/1", "/api/images/3/similar", searchOf("solo"), "counts"],
  },
  {
    name: "undoing an edit",
    act: async ({ server: { library, json } }) => {
      const { body } = await json("/api/images/1/history");
      await undoEdit(library, body.entries[0].id);
    },
    changes: ["/api/images/1", "/api/images/3/similar", searchOf("solo"), "counts"],
  },
  {
    name: "editing a post as clients do",
    act: ({ server: { library } }) =>
      editPost(library, { imageId: 1, rating: "e", source: "https://example.org/1", parent: "2" }),
    changes: ["/api/images/1", "/posts/2", searchOf("rating:e"), searchOf("parent:any")],
  },
  {
    name: "editing all images of a search",
    act: async (shared) => {
      const { library } = shared.server;
      const request = { query: "solo", add: ["bulk"], remove: ["smile"], dryRun: false };
      shared.operationId = (await editTagsOfSearch(library, request)).operationId!;
    },
    changes: ["/api/images/1", "/api/images/4", searchOf("bulk"), "counts"],
  },
  {
    name: "undoing that",
    act: ({ server, operationId }) => undoOperation(server.library, operationId),
    changes: ["/api/images/1", "/api/images/4", searchOf("bulk"), "counts"],
  },
  {
    name: "adding an implication",
    act: async ({ server: { library } }) => {
      const names = { source: "kitten", implied: "cat" };
      await ended(library, (await addImplication(library, { ...names, status: "active" })).task);
    },
    changes: ["/api/images/4", searchOf("cat"), "counts"],
  },
  {
    name: "taking an implication back",
    act: async ({ server: { library } }) => {
      const { tagIds } = library.core;
      const ids = { sourceId: tagIds.getId("kitten")!, impliedId: tagIds.getId("cat")! };
      await ended(library, (await removeImplication(library, ids)).task);
    },
    changes: ["/api/images/4", searchOf("cat"), "counts"],
  },
  {
    name: "adding an alias",
    act: async ({ server: { library } }) => {
      const wanted = { antecedent: "kitten", consequent: "feline", movesImages: true };
      await ended(library, (await addAlias(library, { ...wanted, status: "active" })).task);
    },
    changes: ["/api/images/4", searchOf("feline"), searchOf("kitten"), "counts", "/api/aliases"],
  },
  {
    name: "removing an alias",
    act: ({ server }) => removeAlias(server.library, "kitten"),
    changes: [searchOf("kitten"), "/api/aliases"],
  },
  {
    name: "switching the active source",
    act: ({ server }) => switchActiveSource(server.library, 2, "e621"),
    changes: ["/api/images/2", "/api/images/1/similar", searchOf("rating:e"), "counts"],
  },
  {
    name: "changing the order of sources",
    act: ({ server }) => setSourcePriority(server.library, ["e621", "danbooru"]),
    changes: ["/api/images/1", searchOf("score:<0"), searchOf("solo order:score"), "counts"],
  },
  {
    name: "importing a tag list",
    act: async ({ server: { library }, folder }) => {
      const path = join(folder, "list.csv");
      await Deno.writeTextFile(
        path,
        "name,category,post_count,aliases\nnew,1,9,neko\nsmile,5,8,\n",
      );
      await importTagCsv(library, path);
    },
    changes: [
      "/api/images/3",
      searchOf("neko"),
      searchOf("arttags:>0"),
      "/api/tags/autocomplete?q=ne",
    ],
  },
  {
    name: "removing duplicates",
    prepare: async ({ server: { library } }) => {
      const { filepath } = library.core.cache.getImageData().at(0)!;
      const { images } = library.paths;
      await Deno.copyFile(join(images, filepath), join(images, "00-first.png"));
      await Deno.writeTextFile(join(images, filepath + ".txt"), "only_here\nsolo");
    },
    act: ({ server }) => scanAndRemoveDuplicates(server.library, { dryRun: false }),
    changes: ["/api/images/1", "paths"],
  },
  {
    name: "making a favourite",
    act: ({ server }) => setFavourite(server.library, { imageId: 2, isFavourite: true }),
    changes: [searchOf("fav:any"), "/posts/2"],
  },
  {
    name: "making a pool",
    act: ({ server }) =>
      savePool(server.library, { id: null, name: "Tales", description: "", imageIds: [2, 1] }),
    changes: [searchOf("pool:any"), "/posts/2", "/pools.json"],
  },
  {
    name: "repairing what a check found",
    prepare: async ({ server: { library }, folder }) => {
      const path = await writePicture(join(folder, "stray", "e.png"), 5, { ".txt": "new\nsolo" });
      for (const ending of ["", ".txt"]) {
        await Deno.copyFile(path + ending, join(library.paths.images, `e.png${ending}`));
      }
    },
    act: ({ server }) => checkLibrary(server.library, { repair: ["orphan_file"] }),
    changes: ["/api/images/5", "/api/images/3/similar", searchOf("new"), "counts"],
  },
  {
    name: "rebuilding the database",
    prepare: async ({ server: { library, write }, folder }) => {
      const path = await writePicture(join(folder, "stray", "f.png"), 6, { ".txt": "bulk\nsolo" });
      for (const ending of ["", ".txt"]) {
        await Deno.copyFile(path + ending, join(library.paths.images, `f.png${ending}`));
      }
      write("DELETE FROM image_tags WHERE image_id = 1");
      await library.core.poll();
    },
    act: ({ server }) => refreshLibrary(server.library),
    changes: [
      "/api/images/1",
      "/api/images/6",
      "/api/images/3/similar",
      searchOf("bulk"),
      "counts",
    ],
  },
];

async function fill({ library }: TestServer, folder: string): Promise<void> {
  const source = join(folder, "source");
  for (const [i, name] of ["a", "b"].entries()) {
    const document = { ...DANBOORU, id: 20 + i };
    await writePicture(join(source, `${name}.png`), i, { ".json": document });
    await Deno.writeTextFile(join(source, `${name}.json`), JSON.stringify({ ...E621, id: 30 + i }));
  }
  await importSource({ library, source });
}

Deno.test("every kind of write is logged, and seen everywhere when its call returns", (test) =>
  withTempDir(async (folder) => {
    await using server = await startServer();
    await fill(server, folder);
    // Loads everything before it is asked, so that it says what is there.
    await using other = await startServer({ folder: server.folder, isLoaded: false });
    const shared: Shared = { server, folder, trashId: 0, operationId: 0 };
    for (const { name, prepare, act, changes } of ROWS) {
      await test.step(name, async () => {
        await prepare?.(shared);
        const before = await look(server);
        const position = readPosition(server.library.core.reader);
        const ending = new AbortController();
        const told = listen(server.library, ending.signal);
        await act(shared);
        const seen = await look(server);
        ending.abort();
        await other.library.core.cache.loadDataFromDb({ verbose: false });
        const fresh = await look(other);
        assertEquals(differences(seen, fresh), {}, "what is served against what is there");
        for (const what of changes) assertNotEquals(seen[what], before[what], what);
        const after = readPosition(server.library.core.reader);
        assert(after > position, "the change log has it");
        const { generation } = server.library.core.cache.current;
        assertEquals(told.filter((event) => event.served < event.generation), []);
        assertEquals(told.at(-1)?.name, "invalidated", "callbacks come last");
        assertEquals(told.at(-1)?.served, generation, "nothing changed after the last event");
      });
    }
  }));

fullTierTest(
  "a database that was rebuilt is read anew, whatever an earlier start left",
  () =>
    withTempDir(async (folder) => {
      const library = join(folder, "library");
      {
        await using server = await startServer({ folder: library });
        await fill(server, folder);
        // Leaves the file that lets the next start be quick.
        await server.library.core.cache.loadDataFromDb({ verbose: false });
        server.write("DELETE FROM image_tags WHERE image_id = 1");
      }
      await rebuildLibrary({ folder: library, workers: 1 });
      await using warm = await startServer({ folder: library, isLoaded: false });
      await warm.library.core.cache.loadDataFromDb({ verbose: false, isWarm: true });
      const seen = await look(warm);
      await using cold = await startServer({ folder: library });
      assertEquals(differences(seen, await look(cold)), {});
      assertEquals(warm.library.core.cache.getImageTagCount("a.png"), 0);
      const [, body] = seen["/api/images/1"] as [number, { tags: Record<string, string[]> }];
      assert(body.tags.general.includes("solo"), "the rebuild brought the tags back");
    }),
);
