import { assertEquals } from "@std/assert";
import { readTopVersion } from "../../../tools/release/commit.ts";

Deno.test("readTopVersion() reads the version of the uppermost entry alone", () => {
  const cases: [heading: string, version: string | undefined][] = [
    ["## 0.1.0", "0.1.0"],
    ["## 0.1.0 — 2026-11-23", "0.1.0"],
    ["## [1.20.3] (2026-11-23)", "1.20.3"],
    ["## v2.0.0-rc.1: first", "2.0.0-rc.1"],
    ["## Unreleased", undefined],
    ["## 0.1", undefined],
    ["## 0.1.0.", undefined],
    ["## 0.1.0.1", undefined],
    ["## About 0.1.0", undefined],
    ["### 0.1.0", "0.0.9"],
  ];
  for (const [heading, version] of cases) {
    const text = `# Changelog\n\n${heading}\n\n- It works.\n\n## 0.0.9\n`;
    assertEquals(readTopVersion(text), version, heading);
  }
  assertEquals(readTopVersion("# Changelog\n"), undefined);
});
