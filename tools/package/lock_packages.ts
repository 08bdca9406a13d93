import type { Target } from "./targets.ts";

/** One package of deno.lock. */
export type LockedPackage = {
  /** Its key in the lock file: name, version and, behind `_`, the peers that it was resolved with. */
  key: string;
  name: string;
  version: string;
  /** `sha512-<base64>`. */
  integrity: string;
  /** Keys of what it needs, with what it needs on some systems alone. */
  needs: string[];
  /** Systems and processors that it is for, as Node names them; undefined: all. */
  os?: string[];
  cpu?: string[];
};

/** What deno.lock says that is needed here. */
export type LockedPackages = {
  byKey: ReadonlyMap<string, LockedPackage>;
  /** Keys of the packages that deno.json names. */
  direct: string[];
};

type LockFile = {
  version: string;
  specifiers?: Record<string, string>;
  npm?: Record<string, {
    integrity: string;
    dependencies?: string[];
    optionalDependencies?: string[];
    os?: string[];
    cpu?: string[];
  }>;
  workspace?: { dependencies: string[] };
};

/** The version that is read here: another one may say the same in another way. */
const LOCK_VERSION = "5";

/** Reads deno.lock. Throws when it is of another version, or names what it does not have. */
export function parseLockFile(text: string): LockedPackages {
  const lock = JSON.parse(text) as LockFile;
  if (lock.version !== LOCK_VERSION) throw new Error(`deno.lock is of version ${lock.version}`);
  const { npm = {}, specifiers = {}, workspace } = lock;
  const keys = Object.keys(npm);
  const byKey = new Map(keys.map((key) => {
    const { integrity, os, cpu, dependencies = [], optionalDependencies = [] } = npm[key];
    const needs = [...dependencies, ...optionalDependencies].map((each) => findKey(keys, each));
    return [key, { key, ...parseKey(key), integrity, needs: [...new Set(needs)].sort(), os, cpu }];
  }));
  const direct = (workspace?.dependencies ?? []).map((specifier) => {
    const name = specifier.slice("npm:".length).replace(/(?<=.)@.*$/, "");
    return findKey(keys, `${name}@${specifiers[specifier]}`);
  });
  return { byKey, direct: direct.sort() };
}

/** Where there is only one version of a package, the lock file names it without its version. */
function findKey(keys: readonly string[], wanted: string): string {
  if (keys.includes(wanted)) return wanted;
  const found = keys.filter((key) => parseKey(key).name === wanted);
  if (found.length === 1) return found[0];
  throw new Error(`deno.lock has ${found.length} packages for ${wanted}`);
}

function parseKey(key: string): { name: string; version: string } {
  const [, name, version] = /^(@?[^@]+)@([^_]+)/.exec(key)!;
  return { name, version };
}

/** Keys of some packages and of all that they need, as far as each is wanted. */
export function reachPackages(
  { byKey }: LockedPackages,
  from: readonly string[],
  isWanted: (each: LockedPackage) => boolean,
): Set<string> {
  const reached = new Set<string>();
  const waiting = [...from];
  for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
    const found = byKey.get(key);
    if (found === undefined) throw new Error(`deno.lock has no ${key}`);
    if (reached.has(key) || !isWanted(found)) continue;
    reached.add(key);
    waiting.push(...found.needs);
  }
  return reached;
}

/** Whether a package is for a target; Deno's own executable is for glibc, so none for musl is. */
export function suitsTarget({ name, os, cpu }: LockedPackage, target: Target): boolean {
  if (name.includes("linuxmusl")) return false;
  return (os?.includes(target.platform) ?? true) && (cpu?.includes(target.arch) ?? true);
}
