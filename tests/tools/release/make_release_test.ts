import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { BuildError } from "../../../tools/package/build_error.ts";
import { DENO_VERSION, TARGETS } from "../../../tools/package/targets.ts";
import { findWrongSums } from "../../../tools/release/checksums.ts";
import { makeRelease, type ReleaseRequest } from "../../../tools/release/make_release.ts";
import { withTempDir } from "../../support/temp.ts";
import { fullTierTest } from "../../support/tier.ts";

/**
 * A task `package` in place of the real one, which takes a quarter of a minute: it leaves what the real one
 * leaves, the time that it was told within it, and cannot do macos-arm64.
 */
const PACKAGE_TASK = `
const [, target, , out] = Deno.args;
if (target === "macos-arm64") {
  console.error("There is no Deno for it");
  Deno.exit(1);
}
await Deno.mkdir(\`\${out}/.downloads/unpacked/package\`, { recursive: true });
await Deno.writeTextFile(\`\${out}/.downloads/unpacked/package/package.json\`, '{"license": "MIT"}');
const { success } = await new Deno.Command("tar", {
  args: [
    ...["-czf", \`\${out}/.downloads/@deno+linux-x64-glibc-${DENO_VERSION}.tgz\`],
    ...["-C", \`\${out}/.downloads/unpacked\`, "package"],
  ],
}).output();
if (!success) Deno.exit(1);
await Deno.writeTextFile(\`\${out}/chibibooru-0.1.0-\${target}.run\`, Deno.env.get("SOURCE_DATE_EPOCH"));
`;

const FILES: Record<string, string> = {
  "deno.json": JSON.stringify({
    name: "chibibooru",
    exports: "./main.ts",
    version: "0.1.0",
    tasks: { package: "deno run -A package.ts" },
  }),
  "deno.lock": `{"version": "5"}`,
  "CHANGELOG.md": "# Changelog\n\n## 0.1.0\n\n- It works.\n",
  "LICENSE": "MIT License\n",
  ".gitignore": "/dist/\n",
  "main.ts": "",
  "workers/worker.ts": "",
  "src/cli/serve.ts": "",
  "deploy/chibibooru.service": "[Unit]\n",
  "deploy/nginx.conf": "server {}\n",
  "deploy/Caddyfile": "booru.example.org {}\n",
  "deploy/README.md": "",
  "package.ts": PACKAGE_TASK,
};

async function git(dir: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("git", {
    args: ["-c", "user.name=x", "-c", "user.email=x@example.org", ...args],
    cwd: dir,
    env: { GIT_COMMITTER_DATE: "2026-11-23T04:05:06Z" },
  }).output();
  assert(success, new TextDecoder().decode(stderr));
}

/** Runs a test with a project that can be released, and what asks for that. */
async function withProject(
  test: (project: string, request: ReleaseRequest) => Promise<void>,
): Promise<void> {
  await withTempDir(async (dir) => {
    for (const [path, text] of Object.entries(FILES)) {
      await Deno.mkdir(join(dir, path, ".."), { recursive: true });
      await Deno.writeTextFile(join(dir, path), text);
    }
    await git(dir, "init", "--quiet");
    await git(dir, "add", "--all");
    await git(dir, "commit", "--quiet", "--message=x");
    await test(dir, {
      project: dir,
      out: join(dir, "dist"),
      targets: [TARGETS["linux-x64"]],
      allowsDirty: false,
      epoch: undefined,
    });
  });
}

/** What is in a folder, hidden files left out. */
function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name)
    .filter((name) => !name.startsWith(".")).sort();
}

const RELEASED = [
  "Caddyfile",
  "SHA256SUMS",
  "chibibooru-0.1.0-linux-x64.run",
  "chibibooru-0.1.0.cdx.json",
  "chibibooru.service",
  "nginx.conf",
];

fullTierTest(
  "makeRelease() makes packages, the list of parts, units and sums, twice with the same bytes",
  async () => {
    await withProject(async (_, request) => {
      const { out } = request;
      const { files, failed } = await makeRelease(request);
      assertEquals([files.toSorted(), failed, namesIn(out)], [RELEASED, [], RELEASED]);
      assertEquals(await findWrongSums(out), []);
      const sums = await Deno.readTextFile(join(out, "SHA256SUMS"));
      const bom = JSON.parse(await Deno.readTextFile(join(out, "chibibooru-0.1.0.cdx.json")));
      assertEquals(bom.metadata.timestamp, "2026-11-23T04:05:06Z", "of the commit");
      assert(/^[0-9a-f]{40}$/.test(bom.metadata.properties[0].value));
      const time = await Deno.readTextFile(join(out, RELEASED[2]));
      assertEquals(Number(time), Date.UTC(2026, 10, 23, 4, 5, 6) / 1_000, "packages are told it");
      await makeRelease(request);
      assertEquals(await Deno.readTextFile(join(out, "SHA256SUMS")), sums);
      await makeRelease({ ...request, epoch: "1000000000" });
      assertNotEquals(await Deno.readTextFile(join(out, "SHA256SUMS")), sums);
      assertEquals(await Deno.readTextFile(join(out, RELEASED[2])), "1000000000");
    });
  },
);

fullTierTest(
  "makeRelease() goes on without a target that cannot be packaged, and names it",
  async () => {
    await withProject(async (_, request) => {
      const [linux, macos] = [TARGETS["linux-x64"], TARGETS["macos-arm64"]];
      const { failed } = await makeRelease({ ...request, targets: [macos, linux] });
      assertEquals([failed, namesIn(request.out)], [["macos-arm64"], RELEASED]);
      await Deno.remove(request.out, { recursive: true });
      await assertRejects(
        () => makeRelease({ ...request, targets: [macos] }),
        BuildError,
        "No package could be made",
      );
      assertEquals(namesIn(request.out), []);
    });
  },
);

fullTierTest(
  "makeRelease() refuses what is not committed, unless that is allowed, and then says so",
  async () => {
    await withProject(async (project, request) => {
      await Deno.writeTextFile(join(project, "new.ts"), "");
      await assertRejects(() => makeRelease(request), BuildError, "--allow-dirty");
      await makeRelease({ ...request, allowsDirty: true });
      const bom = JSON.parse(
        await Deno.readTextFile(join(request.out, "chibibooru-0.1.0.cdx.json")),
      );
      assert(/^[0-9a-f]{40}-dirty$/.test(bom.metadata.properties[0].value));
    });
  },
);

fullTierTest(
  "makeRelease() refuses another version's changelog or files, and a time that is none",
  async () => {
    await withProject(async (project, request) => {
      await assertRejects(
        () => makeRelease({ ...request, epoch: "yesterday" }),
        BuildError,
        "SOURCE_DATE_EPOCH is yesterday",
      );
      await Deno.writeTextFile(join(request.out, "chibibooru-0.0.9-linux-x64.run"), "");
      await assertRejects(() => makeRelease(request), BuildError, "chibibooru-0.0.9-linux-x64.run");
      await Deno.remove(request.out, { recursive: true });
      const changes: [heading: string, told: string][] = [
        ["0.2.0", "begins with 0.2.0"],
        ["Unreleased\n\n## 0.1.0", "begins with no version"],
      ];
      for (const [heading, told] of changes) {
        await Deno.writeTextFile(join(project, "CHANGELOG.md"), `# Changelog\n\n## ${heading}\n`);
        const asked = { ...request, allowsDirty: true };
        const error = await assertRejects(() => makeRelease(asked), BuildError, told);
        assert(error.message.includes("## 0.1.0"), error.message);
      }
    });
  },
);
