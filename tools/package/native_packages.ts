import {
  type LockedPackage,
  type LockedPackages,
  reachPackages,
  suitsTarget,
} from "./lock_packages.ts";
import type { Target } from "./targets.ts";

/** The package of this name and all that it needs on a target. */
export function collectNativePackages(
  lock: LockedPackages,
  root: string,
  target: Target,
): LockedPackage[] {
  const roots = [...lock.byKey.values()].filter(({ name }) => name === root);
  if (roots.length === 0) throw new Error(`deno.lock has no ${root}`);
  const keys = reachPackages(
    lock,
    roots.map(({ key }) => key),
    (each) => suitsTarget(each, target),
  );
  return [...keys].map((key) => lock.byKey.get(key)!);
}
