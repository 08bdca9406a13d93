import { assertEquals, assertThrows } from "@std/assert";
import { parseLockFile } from "../../../tools/package/lock_packages.ts";

const LOCK = {
  version: "5",
  specifiers: {
    "npm:@a/one@1.0.0": "1.0.0_peer@2.0.0",
    "npm:two@2": "2.1.0",
  },
  npm: {
    "@a/one@1.0.0_peer@2.0.0": { integrity: "sha512-QQ==", dependencies: ["peer", "two@1.9.0"] },
    "two@1.9.0": { integrity: "sha512-Qg==" },
    "two@2.1.0": {
      integrity: "sha512-Qw==",
      dependencies: ["two@1.9.0"],
      optionalDependencies: ["native"],
    },
    "peer@2.0.0": { integrity: "sha512-RA==" },
    "native@1.0.0-rc.1": { integrity: "sha512-RQ==", os: ["linux"], cpu: ["x64"] },
  },
  workspace: { dependencies: ["npm:@a/one@1.0.0", "npm:two@2"] },
};

Deno.test("parseLockFile() names packages, what they need and what the project names", () => {
  const { byKey, direct } = parseLockFile(JSON.stringify(LOCK));
  assertEquals(direct, ["@a/one@1.0.0_peer@2.0.0", "two@2.1.0"]);
  const found = [...byKey.values()].map(({ name, version, needs }) => [name, version, needs]);
  assertEquals(found, [
    ["@a/one", "1.0.0", ["peer@2.0.0", "two@1.9.0"]],
    ["two", "1.9.0", []],
    ["two", "2.1.0", ["native@1.0.0-rc.1", "two@1.9.0"]],
    ["peer", "2.0.0", []],
    ["native", "1.0.0-rc.1", []],
  ]);
  const { integrity, os, cpu } = byKey.get("native@1.0.0-rc.1")!;
  assertEquals([integrity, os, cpu], ["sha512-RQ==", ["linux"], ["x64"]]);
});

Deno.test("parseLockFile() reads a lock without packages, and refuses what it does not know", () => {
  const empty = parseLockFile(`{"version": "5"}`);
  assertEquals([empty.byKey.size, empty.direct], [0, []]);
  assertThrows(() => parseLockFile(`{"version": "6"}`), Error, "version 6");
  const { "peer@2.0.0": _, ...npm } = LOCK.npm;
  assertThrows(() => parseLockFile(JSON.stringify({ ...LOCK, npm })), Error, "0 packages for peer");
  const two = { ...LOCK.npm, "peer@3.0.0": { integrity: "sha512-RA==" } };
  assertThrows(
    () => parseLockFile(JSON.stringify({ ...LOCK, npm: two })),
    Error,
    "2 packages for peer",
  );
});
