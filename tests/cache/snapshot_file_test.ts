import { assertEquals, assertThrows } from "@std/assert";
import { AppError } from "../../src/base/errors.ts";
import { emptyColumns } from "../../src/cache/image_columns.ts";
import {
  checksumOf,
  loadSnapshot,
  readSnapshotFile,
  saveSnapshot,
  writeSnapshotFile,
} from "../../src/cache/snapshot_file.ts";
import { buildColumns } from "../support/plain_library.ts";
import { withTempDir } from "../support/temp.ts";

const LIBRARY = {
  tags: [{ id: 3, name: "solo" }, { id: 9, name: "rating:explicit", category: "rating" }],
  images: [
    { id: 1, filepath: "a.jpg", md5: "0123456789abcdef0123456789abcdef", tagIds: [3] },
    {
      id: 5,
      filepath: "ü/b.png",
      md5: "not an md5",
      tagIds: [3, 9],
      fileSizeBytes: 5_000_000_000,
      durationMs: 9,
      favouritedAt: 8,
      parentImageId: 1,
      source: "https://日本.example",
    },
  ],
};

function toBytes(facts: Record<string, unknown> = { position: 7 }): Uint8Array {
  const parts: number[] = [];
  const { columns } = buildColumns(LIBRARY);
  writeSnapshotFile({ write: (bytes) => void parts.push(...bytes) }, columns, facts);
  return Uint8Array.from(parts);
}

function fromBytes(bytes: Uint8Array) {
  let at = 0;
  return readSnapshotFile({
    read: (into) => {
      if (at + into.length > bytes.length) return false;
      into.set(bytes.subarray(at, at += into.length));
      return true;
    },
  }, () => true);
}

Deno.test("readSnapshotFile() gives back facts and columns", () => {
  const read = fromBytes(toBytes())!;
  assertEquals(read.facts, { position: 7 });
  assertEquals(read.columns, buildColumns(LIBRARY).columns);
});

Deno.test("readSnapshotFile() finds every flipped byte", () => {
  const whole = toBytes();
  const expected = fromBytes(whole);
  for (let i = 0; i < whole.length; i++) {
    const damaged = whole.slice();
    damaged[i] ^= 0x40;
    let read: ReturnType<typeof fromBytes> = null;
    try {
      read = fromBytes(damaged);
    } catch (error) {
      if (error instanceof AppError && error.code === "corrupt") continue;
      throw error;
    }
    // Only padding is not covered by a checksum.
    assertEquals(read, expected, `byte ${i}`);
  }
});

Deno.test("readSnapshotFile() finds every cut", () => {
  const whole = toBytes();
  for (let length = 0; length < whole.length; length += 7) {
    assertThrows(() => fromBytes(whole.subarray(0, length)), AppError, "too short", `at ${length}`);
  }
});

Deno.test("readSnapshotFile() refuses a file of something else", () => {
  assertThrows(
    () => fromBytes(new TextEncoder().encode("SQLite format 3\0 and more")),
    AppError,
    "no snapshot",
  );
});

Deno.test("checksumOf() depends on every byte, its place and the length", () => {
  const bytes = Uint8Array.from({ length: 67 }, (_, i) => i * 37);
  const seen = new Set([checksumOf(bytes), checksumOf(bytes.subarray(0, 66))]);
  for (let i = 0; i < bytes.length; i++) {
    const other = bytes.slice();
    other[i] ^= 1;
    seen.add(checksumOf(other));
  }
  assertEquals(seen.size, bytes.length + 2);
  const shifted = new Uint8Array(70);
  shifted.set(bytes, 3);
  assertEquals(checksumOf(shifted.subarray(3)), checksumOf(bytes));
});

Deno.test("loadSnapshot() answers null without a file or when it is not wanted", () =>
  withTempDir((dir) => {
    const path = `${dir}/snapshot.bin`;
    assertEquals(loadSnapshot(path, () => true), null);
    saveSnapshot(path, emptyColumns(), { a: 1 });
    assertEquals(loadSnapshot(path, (facts) => facts.a === 2), null);
    assertEquals(loadSnapshot(path, (facts) => facts.a === 1)?.facts, { a: 1 });
    assertEquals([...Deno.readDirSync(dir)].map((entry) => entry.name), ["snapshot.bin"]);
  }));
