import { assertEquals } from "@std/assert";
import { METADATA_ERRORS_LOGGED_MAX } from "../../src/base/limits.ts";
import type { MetadataContract } from "../../src/worker/contracts.ts";
import { move } from "../../src/worker/protocol.ts";
import { spawnMetadata } from "../../src/worker/spawn.ts";
import { WorkerClient } from "../../src/worker/worker_client.ts";
import { packTexts } from "../support/plain_library.ts";

type Found = MetadataContract["readPostIds"]["response"];

async function readPostIds(documents: (string | Uint8Array)[]): Promise<Found> {
  const worker = new WorkerClient<MetadataContract>(spawnMetadata, { name: "metadata" });
  try {
    const { bytes, length } = packTexts(documents);
    const imageId = Int32Array.from(documents, (_, i) => i + 1);
    const batch = { imageId, length, bytes };
    return await worker.call("readPostIds", move(batch, [imageId.buffer, bytes.buffer]));
  } finally {
    await worker.close();
  }
}

function pairsOf({ sources, triples }: Found): [image: number, source: string, id: number][] {
  const pairs: [number, string, number][] = [];
  for (let i = 0; i < triples.length; i += 3) {
    pairs.push([triples[i + 2], sources[triples[i]], triples[i + 1]]);
  }
  return pairs;
}

Deno.test("the metadata worker finds the post ids of every source", async () => {
  const found = await readPostIds([
    '{"sources": {"danbooru": {"id": 5, "tags": "日本🎨"}, "e621": {"id": "6"}}}',
    "{}",
    '{"sources": {"e621": {"id": 5}, "pixiv": {"id": 2147483647}}}',
    '{"sources": {"danbooru": null, "gelbooru": [], "yandere": 7, "konachan": {}}}',
  ]);
  assertEquals(pairsOf(found), [
    [1, "danbooru", 5],
    [1, "e621", 6],
    [3, "e621", 5],
    [3, "pixiv", 2_147_483_647],
  ]);
  assertEquals(found.malformedCount, 0);
});

Deno.test("the metadata worker counts malformed documents and reads on", async () => {
  const good = '{"sources": {"danbooru": {"id": 1}}}';
  const bad = ["", "{", "null", "[1]", Uint8Array.of(0x22, 0xff, 0x22), '{"a": 1} x'];
  bad.push('{"sources": {"danbooru": {"id": 2147483648}, "e621": {"id": 9}}}');
  const found = await readPostIds([good, ...bad, good]);
  assertEquals(pairsOf(found), [[1, "danbooru", 1], [8, "e621", 9], [9, "danbooru", 1]]);
  assertEquals(found.malformedCount, bad.length);
  assertEquals(
    found.malformed.map((document) => document.imageId),
    [2, 3, 4, 5, 6].slice(0, METADATA_ERRORS_LOGGED_MAX),
  );
});

Deno.test("the metadata worker keeps names of sources that objects inherit", async () => {
  const found = await readPostIds(['{"sources": {"__proto__": {"id": 3}, "toString": {"id": 4}}}']);
  assertEquals(pairsOf(found), [[1, "__proto__", 3], [1, "toString", 4]]);
});

Deno.test("the metadata worker answers an empty batch", async () => {
  const found = await readPostIds([]);
  assertEquals([found.triples.length, found.sources.length, found.malformedCount], [0, 0, 0]);
});
