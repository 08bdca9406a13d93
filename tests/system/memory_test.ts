import { assert, assertEquals, assertThrows } from "@std/assert";
import { batchSizeFor, type MemorySource, readMemory } from "../../src/system/memory.ts";

const MEGABYTE = 1_048_576;

/** A machine of 8,000 MB, of which 3,000 are available, with these files. */
function makeSource(files: Record<string, string> = {}): MemorySource {
  return {
    process: () => ({ rss: 1, heapUsed: 2, heapTotal: 3, external: 4 }),
    machine: () => ({ available: 3_000 * MEGABYTE, total: 8_000 * MEGABYTE }),
    readText: (path) => {
      if (path in files) return files[path];
      throw new Deno.errors.NotCapable(path);
    },
  };
}

function availableOf(source: MemorySource): [available: number, total: number] {
  const { availableBytes, totalBytes } = readMemory(source);
  return [availableBytes! / MEGABYTE, totalBytes! / MEGABYTE];
}

Deno.test("readMemory() reads this process and machine", () => {
  const memory = readMemory();
  assert(memory.rssBytes > memory.heapUsedBytes && memory.heapUsedBytes > 0);
  assert(memory.availableBytes! > 0 && memory.totalBytes! >= memory.availableBytes!);
  const { rssBytes, heapUsedBytes, heapTotalBytes, externalBytes } = readMemory(makeSource());
  assertEquals([rssBytes, heapUsedBytes, heapTotalBytes, externalBytes], [1, 2, 3, 4]);
});

Deno.test("readMemory() keeps to the limit of a container where it can be read", () => {
  const second = "/sys/fs/cgroup/memory";
  const first = `${second}/memory`;
  const limit = (limitMb: number, usedMb: number) => ({
    [`${second}.max`]: `${limitMb * MEGABYTE}\n`,
    [`${second}.current`]: `${usedMb * MEGABYTE}\n`,
  });
  assertEquals(availableOf(makeSource()), [3_000, 8_000]);
  assertEquals(availableOf(makeSource(limit(1_000, 400))), [600, 1_000]);
  assertEquals(availableOf(makeSource(limit(1_000, 1_200))), [0, 1_000]);
  // The machine itself has less left than the container may take.
  assertEquals(availableOf(makeSource(limit(6_000, 100))), [3_000, 6_000]);
  const none = { [`${second}.max`]: "max\n", [`${second}.current`]: "5\n" };
  assertEquals(availableOf(makeSource(none)), [3_000, 8_000]);
  const huge = {
    [`${first}.limit_in_bytes`]: "9223372036854771712\n",
    [`${first}.usage_in_bytes`]: "5\n",
  };
  assertEquals(availableOf(makeSource(huge)), [3_000, 8_000]);
});

Deno.test("readMemory() says null of what the system does not tell", () => {
  const silent: MemorySource = {
    ...makeSource(),
    machine: () => {
      throw new Deno.errors.NotCapable("systemMemoryInfo");
    },
  };
  const { availableBytes, totalBytes } = readMemory(silent);
  assertEquals([availableBytes, totalBytes], [null, null]);
});

Deno.test("batchSizeFor() fits a share of what is available, from 1 to the most", () => {
  const size = (bytes: number, availableBytes: number | null) =>
    batchSizeFor(bytes, { share: 0.5, max: 32, availableBytes });
  assertEquals(size(100, 100_000), 32);
  assertEquals(size(100, 2_000), 10);
  assertEquals(size(100, 2_199), 10);
  assertEquals(size(100, 10), 1);
  assertEquals(size(16 * MEGABYTE, null), 8);
  assert(batchSizeFor(1, { share: 1, max: 7 }) === 7, "this machine has seven bytes");
  for (const [bytes, share, max] of [[0, 1, 1], [1, 0, 1], [1, 1.1, 1], [1, 1, 0], [NaN, 1, 1]]) {
    assertThrows(() => batchSizeFor(bytes, { share, max }), RangeError);
  }
});
