import { assertEquals } from "@std/assert";
import type { FoundFile } from "../../src/library/import_walk.ts";
import { type Look, signatureOf, StillFiles } from "../../src/library/still_files.ts";

function file(sizeBytes: number, changedMs = 1): FoundFile {
  return { path: "/r/a.png", name: "a.png", sizeBytes, mtimeMs: 1, changedMs, inode: 5 };
}

function see(sizeBytes: number, changedMs?: number): Look {
  return { kind: "file", file: file(sizeBytes, changedMs) };
}

Deno.test("StillFiles.judge() takes a file that two looks far enough apart saw alike", () => {
  const still = new StillFiles(100);
  still.touch("/r/a.png", 0);
  assertEquals(still.due(0, 9), ["/r/a.png"]);
  assertEquals(still.judge("/r/a.png", see(1), 0), "wait");
  assertEquals([still.due(99, 9), still.nextDueMs], [[], 100]);
  // It grows, as a slow download does, and then only its times change.
  assertEquals(still.judge("/r/a.png", see(2), 100), "wait");
  assertEquals(still.judge("/r/a.png", see(2, 150), 200), "wait");
  // More events do not hold it up: what counts is what a look sees.
  still.touch("/r/a.png", 250);
  assertEquals(still.due(299, 9), []);
  assertEquals(still.judge("/r/a.png", see(2, 150), 300), "take");
  assertEquals([still.size, still.nextDueMs], [0, null]);
});

Deno.test("StillFiles.see() counts a walk's look as the first one", () => {
  const still = new StillFiles(100);
  still.see(file(7), 1_000);
  still.see(file(8), 1_050);
  assertEquals([still.nextDueMs, still.has("/r/a.png")], [1_100, true]);
  assertEquals(still.judge("/r/a.png", see(7), 1_100), "take");
});

Deno.test("StillFiles.putOff() waits longer, but not for ever", () => {
  const still = new StillFiles(100);
  still.see(file(7), 1_000);
  assertEquals(still.putOff("/r/a.png", 1_100, 0), true);
  assertEquals([still.due(1_199, 9), still.due(1_200, 9)], [[], ["/r/a.png"]]);
  assertEquals([still.putOff("/r/a.png", 1_200, 1_001), still.putOff("/r/b", 0, 0)], [
    false,
    false,
  ]);
  assertEquals(still.judge("/r/a.png", see(7), 1_200), "take");
});

Deno.test("StillFiles.judge() believes that nothing is there only the second time", () => {
  const still = new StillFiles(100);
  still.touch("/r/a.png", 0);
  assertEquals(still.judge("/r/a.png", { kind: "nothing" }, 0), "wait");
  // Saved by a program that writes a new file and renames it.
  assertEquals(still.judge("/r/a.png", see(3), 100), "wait");
  assertEquals(still.judge("/r/a.png", see(3), 200), "take");
  still.touch("/r/a.png", 0);
  assertEquals(still.judge("/r/a.png", { kind: "nothing" }, 300), "wait");
  assertEquals(still.judge("/r/a.png", { kind: "nothing" }, 400), "gone");
});

Deno.test("StillFiles.judge() looks into a new folder twice, and into others never", () => {
  const still = new StillFiles(100);
  still.touch("/r/new", 0, true);
  still.touch("/r/old", 0);
  const folder: Look = { kind: "folder" };
  assertEquals(still.judge("/r/new", folder, 0), "look_inside");
  assertEquals(still.judge("/r/new", folder, 100), "look_inside");
  assertEquals(still.judge("/r/old", folder, 0), "drop");
  assertEquals(still.judge("/r/old", folder, 0), "drop");
  // A folder was touched first, and then another one got its name.
  still.touch("/r/x", 0);
  still.touch("/r/x", 10, true);
  assertEquals(still.judge("/r/x", folder, 10), "look_inside");
  assertEquals(still.countSince(0), 1);
  assertEquals(still.judge("/r/x", { kind: "other" }, 110), "drop");
});

Deno.test("StillFiles.due() gives some of the paths at a time; countSince() the ones heard of later", () => {
  const still = new StillFiles(100);
  for (let i = 0; i < 5; i++) still.touch(`/r/${i}`, i);
  assertEquals(still.due(10, 2), ["/r/0", "/r/1"]);
  assertEquals([still.countSince(3), still.size], [2, 5]);
  assertEquals(still.due(2, 9).length, 3);
  still.clear();
  assertEquals(still.size, 0);
});

Deno.test("signatureOf() differs when size, times or inode do", () => {
  const one = file(1);
  const others = [file(2), file(1, 2), { ...one, mtimeMs: 2 }, { ...one, inode: 6 }];
  assertEquals(new Set([one, { ...one }, ...others].map(signatureOf)).size, 5);
});
