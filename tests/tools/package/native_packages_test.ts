import { assertEquals, assertThrows } from "@std/assert";
import { type LockedPackages, parseLockFile } from "../../../tools/package/lock_packages.ts";
import { collectNativePackages } from "../../../tools/package/native_packages.ts";
import { TARGETS } from "../../../tools/package/targets.ts";

const SMALL = parseLockFile(JSON.stringify({
  version: "5",
  npm: {
    "root@1.0.0": {
      integrity: "sha512-a",
      dependencies: ["twice@2.0.0"],
      optionalDependencies: ["@n/linux-x64", "@n/linuxmusl-x64", "@n/darwin-arm64"],
    },
    "twice@1.0.0": { integrity: "sha512-b" },
    "twice@2.0.0": { integrity: "sha512-c", dependencies: ["root"] },
    "@n/linux-x64@3.0.0": { integrity: "sha512-d", os: ["linux"], cpu: ["x64"] },
    "@n/linuxmusl-x64@3.0.0": { integrity: "sha512-e", os: ["linux"], cpu: ["x64"] },
    "@n/darwin-arm64@3.0.0": { integrity: "sha512-f", os: ["darwin"], cpu: ["arm64"] },
  },
}));

function namesFor(target: string, lockFile: LockedPackages, root: string): string[] {
  return collectNativePackages(lockFile, root, TARGETS[target])
    .map(({ name, version, integrity }) => `${name}@${version} ${integrity?.slice(0, 8)}`).sort();
}

Deno.test("collectNativePackages() takes what a target needs, each once, in the locked version", () => {
  assertEquals(namesFor("linux-x64", SMALL, "root"), [
    "@n/linux-x64@3.0.0 sha512-d",
    "root@1.0.0 sha512-a",
    "twice@2.0.0 sha512-c",
  ]);
  assertEquals(namesFor("windows-x64", SMALL, "root").length, 2);
});

Deno.test("collectNativePackages() names what the lock file does not have", () => {
  assertThrows(() => collectNativePackages(SMALL, "gone", TARGETS["linux-x64"]), Error, "no gone");
});

Deno.test("collectNativePackages() finds the native part of sharp for every target", () => {
  const lock = parseLockFile(
    Deno.readTextFileSync(new URL("../../../deno.lock", import.meta.url)),
  );
  for (const { name, platform, arch } of Object.values(TARGETS)) {
    const found = collectNativePackages(lock, "sharp", TARGETS[name]);
    const native = found.map((each) => each.name).filter((each) => /sharp-(?!libvips)/.test(each));
    assertEquals(native, [`@img/sharp-${platform}-${arch}`]);
  }
});
