import type { NpmPackage } from "./npm_package.ts";
import type { Target } from "./targets.ts";

/** What is needed of deno.lock. */
export type LockFile = {
  npm: Record<string, {
    integrity: string;
    dependencies?: string[];
    optionalDependencies?: string[];
    os?: string[];
    cpu?: string[];
  }>;
};

/**
 * The package of this name and all that it needs on a target, out of the lock file. Builds for musl are left
 * out: Deno's own executable is for glibc.
 */
export function collectNativePackages(lock: LockFile, root: string, target: Target): NpmPackage[] {
  const found = new Map<string, NpmPackage>();
  const visit = (wanted: string): void => {
    const key = findKey(lock, wanted);
    const entry = lock.npm[key];
    if (found.has(key) || !suits(key, entry, target)) return;
    const at = key.lastIndexOf("@");
    found.set(key, {
      name: key.slice(0, at),
      version: key.slice(at + 1),
      integrity: entry.integrity,
    });
    for (const each of entry.dependencies ?? []) visit(each);
    for (const each of entry.optionalDependencies ?? []) visit(each);
  };
  visit(root);
  return [...found.values()];
}

/** The lock file leaves out the version where there is only one. */
function findKey(lock: LockFile, wanted: string): string {
  if (Object.hasOwn(lock.npm, wanted)) return wanted;
  const key = Object.keys(lock.npm).find((each) => each.startsWith(`${wanted}@`));
  if (key === undefined) throw new Error(`deno.lock has no ${wanted}`);
  return key;
}

function suits(key: string, entry: LockFile["npm"][string], target: Target): boolean {
  if (key.includes("linuxmusl")) return false;
  return (entry.os?.includes(target.platform) ?? true) &&
    (entry.cpu?.includes(target.arch) ?? true);
}
