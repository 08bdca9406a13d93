/** Version of the Deno that packages carry: the one that the README names. */
export const DENO_VERSION = "2.9.6";

/** A system that a package can be made for. */
export type Target = {
  /** How the package's name ends. */
  name: string;
  /** `process.platform` and `process.arch` of that system. */
  platform: "linux" | "darwin" | "win32";
  arch: "x64" | "arm64";
  /** npm package with the Deno executable, and the executable in it. */
  denoPackage: string;
  denoFile: string;
  /**
   * SHA-512 of that package as npm writes it; null: what the registry says is believed, since no copy could
   * be had to look at.
   */
  denoIntegrity: string | null;
};

/** Every target by its name. */
export const TARGETS: Record<string, Target> = Object.fromEntries(
  [
    target("linux-x64", "linux", "x64", {
      denoPackage: "@deno/linux-x64-glibc",
      denoIntegrity:
        "sha512-3md4TKLCuzsLDmfOoC5KN7NAZaxSVkMgm64vg6foD00JBADCpYS2/5QqXfzgnP5ZQz3iLP9vBQJtEgc116OAoQ==",
    }),
    target("linux-arm64", "linux", "arm64", { denoPackage: "@deno/linux-arm64-glibc" }),
    target("macos-arm64", "darwin", "arm64", { denoPackage: "@deno/darwin-arm64" }),
    target("macos-x64", "darwin", "x64", { denoPackage: "@deno/darwin-x64" }),
    target("windows-x64", "win32", "x64", { denoPackage: "@deno/win32-x64" }),
  ].map((each) => [each.name, each]),
);

function target(
  name: string,
  platform: Target["platform"],
  arch: Target["arch"],
  { denoPackage, denoIntegrity = null }: { denoPackage: string; denoIntegrity?: string | null },
): Target {
  const denoFile = platform === "win32" ? "deno.exe" : "deno";
  return { name, platform, arch, denoPackage, denoFile, denoIntegrity };
}

/** The target that this machine is; undefined when there is none. */
export function findOwnTarget(): Target | undefined {
  const { os, arch } = Deno.build;
  const platform = os === "windows" ? "win32" : os;
  const cpu = arch === "x86_64" ? "x64" : "arm64";
  return Object.values(TARGETS).find((each) => each.platform === platform && each.arch === cpu);
}
