import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { TAG_LIST_UPLOAD_BYTES_MAX } from "../src/base/limits.ts";
import { COMMANDS } from "../src/cli/commands.ts";
import { parseServeConfig } from "../src/config.ts";
import { VERSION } from "../src/version.ts";
import { withTempDir } from "./support/temp.ts";

/*
 * What deploy/ and docs/deploying.md say is compared with each other and with the program, so that neither
 * can be followed into a wall.
 */

const ROOT = new URL("../", import.meta.url).pathname;
const DOCUMENT = read("docs/deploying.md");
const NGINX = read("deploy/nginx.conf");
const CADDY = read("deploy/Caddyfile");
const DOCKER = read("deploy/Dockerfile");
const UNITS = [...Deno.readDirSync(join(ROOT, "deploy"))]
  .map(({ name }) => name)
  .filter((name) => /\.(service|timer)$/.test(name))
  .toSorted();
const SERVICES = UNITS.filter((name) => name.endsWith(".service"));
/** Options that every command takes. */
const COMMON = ["--library", "--log-level", "--help", "--version"];

function read(path: string): string {
  return Deno.readTextFileSync(join(ROOT, path));
}

type Setting = { section: string; key: string; value: string };

/** Settings of a unit in their order; a line that is neither comment, section nor setting fails. */
function parseUnit(name: string): Setting[] {
  let section = "";
  const settings: Setting[] = [];
  for (const line of read(`deploy/${name}`).split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const [, head] = /^\[(\w+)\]$/.exec(line) ?? [];
    if (head !== undefined) {
      section = head;
      continue;
    }
    const [, key, value] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? [];
    assert(key !== undefined && section !== "", `${name}: ${line}`);
    settings.push({ section, key, value });
  }
  return settings;
}

function valuesOf(name: string, key: string): string[] {
  return parseUnit(name).filter((setting) => setting.key === key).map(({ value }) => value);
}

/** Lines of shell in the document, those that go on joined. */
function shellLines(): string[] {
  return [...DOCUMENT.matchAll(/^```sh\n(.*?)^```/gms)]
    .flatMap(([, block]) => block.replaceAll("\\\n", " ").trim().split("\n"));
}

/** The program's own command lines: in the document, in units and in the image. */
function ownCommandLines(): string[] {
  const inText = [...DOCUMENT.matchAll(/`((?:chibibooru|booru) [^`]+)`/g)].map(([, line]) => line);
  const inUnits = SERVICES.flatMap((name) => valuesOf(name, "ExecStart"));
  const [, words] = /^CMD (\[.*\])$/m.exec(DOCKER)!;
  // `sudo -u chibibooru env … chibibooru "$@"` is how each of them is meant.
  const texts = [...shellLines(), ...inText, ...inUnits].filter((text) => !text.includes('"$@"'));
  const called = texts.flatMap((text) =>
    [...text.matchAll(/(?:^|[\s/])(?:chibi)?booru ((?:[a-z]+|--version)\b[^|;]*)/g)].map((
      [, line],
    ) => line)
  );
  return [...called, (JSON.parse(words) as string[]).join(" ")];
}

Deno.test("docs/deploying.md, units and Dockerfile name only commands and options that exist", () => {
  const lines = ownCommandLines();
  const wrong: string[] = [];
  const used = new Set<string>();
  for (const line of lines) {
    // `docker exec chibibooru chibibooru doctor`, and the name of the image.
    const [name, ...rest] = line.replace(/^chibibooru /, "").split(/\s+/);
    if (name === "help" || name === "--version") continue;
    const command = COMMANDS[name];
    if (command === undefined) {
      wrong.push(line);
      continue;
    }
    used.add(name);
    const options = rest.map((word) => word.replace(/=.*/, "")).filter((word) =>
      word.startsWith("--")
    );
    wrong.push(
      ...options.filter((option) => !COMMON.includes(option) && !command.help.includes(option))
        .map((option) => `${name} ${option}`),
    );
  }
  assertEquals(wrong, []);
  for (const name of ["serve", "import", "doctor", "check", "backup", "restore", "export"]) {
    assert(used.has(name), `the pattern still finds ${name}`);
  }
  const tasks = JSON.parse(read("deno.json")).tasks;
  const named = [...DOCUMENT.matchAll(/deno@[\d.]+ task ([a-z:]+)/g)].map(([, name]) => name);
  assertEquals(named.filter((name) => tasks[name] === undefined), []);
  assert(named.includes("package"));
});

Deno.test("docs/deploying.md and deploy/ name only variables that the program reads", () => {
  const allowed: string[] = JSON.parse(read("deno.json")).permissions.serve.env;
  const launcher = read("tools/package/launcher.sh");
  const texts = [DOCUMENT, NGINX, CADDY, DOCKER, ...UNITS.map((name) => read(`deploy/${name}`))];
  const named = new Set(
    texts.flatMap((text) => text.match(/\b(?:CHIBIBOORU_[A-Z_]+|LOG_LEVEL)\b/g) ?? []),
  );
  const known = (name: string) => allowed.includes(name) || launcher.includes(`{${name}:-}`);
  assertEquals([...named].filter((name) => !known(name)), []);
  // And the table of settings has all that help tells.
  const settings = new Set(read("src/cli/help.ts").match(/\b(?:CHIBIBOORU_[A-Z_]+|LOG_LEVEL)\b/g));
  const table = DOCUMENT.split("\n").filter((line) => line.startsWith("| `")).join("\n");
  assert(settings.size > 7);
  assertEquals([...settings].filter((name) => !table.includes(`\`${name}\``)), []);
});

Deno.test("docs/deploying.md names only files, headings and the version that are there", async () => {
  const headings = [...DOCUMENT.matchAll(/^#+ (.*)$/gm)].map(([, text]) =>
    text.toLowerCase().replaceAll(" ", "-")
  );
  for (const [, link] of DOCUMENT.matchAll(/\]\((?!https?:)([^)]+)\)/g)) {
    if (link.startsWith("#")) assert(headings.includes(link.slice(1)), link);
    else await Deno.stat(join(ROOT, "docs", link));
  }
  const versions = [...`${DOCUMENT}${DOCKER}`.matchAll(/chibibooru[-:](\d+\.\d+\.\d+)/g)];
  assert(versions.length > 3);
  assertEquals([...new Set(versions.map(([, version]) => version))], [VERSION]);
  // Units that are to be installed are in deploy/, and none is forgotten.
  const installed = shellLines().filter((line) => line.includes("/etc/systemd/system/"))
    .flatMap((line) => line.match(/\bchibibooru[\w@-]*\.(?:service|timer)\b/g) ?? []);
  assertEquals(installed.toSorted(), UNITS);
});

/** Each pair: the unit of the one library, and that of several. */
const PAIRS: [one: string, many: string][] = [
  ["chibibooru.service", "chibibooru@.service"],
  ["chibibooru-backup.service", "chibibooru-backup@.service"],
  ["chibibooru-backup.timer", "chibibooru-backup@.timer"],
];

Deno.test("units of several libraries are those of one, with a name in every path", () => {
  assertEquals(PAIRS.flat().toSorted(), UNITS);
  for (const [one, many] of PAIRS) {
    const instance = parseUnit(many)
      .filter(({ key }) => key !== "Description" && key !== "EnvironmentFile")
      .map((setting) => ({ ...setting, value: setting.value.replaceAll("-%i", "") }));
    const single = parseUnit(one).filter(({ key }) =>
      key !== "Description" && key !== "EnvironmentFile"
    );
    assertEquals(instance, single, many);
    assertEquals(valuesOf(many, "Description")[0].includes("%i"), true, many);
  }
  for (const name of SERVICES) {
    const file = name.includes("@") ? "/etc/chibibooru/%i.env" : "-/etc/chibibooru/chibibooru.env";
    assertEquals(valuesOf(name, "EnvironmentFile"), [file]);
  }
});

Deno.test("units agree with the paths and the user of docs/deploying.md", () => {
  const lines = shellLines();
  const has = (pattern: RegExp) => assert(lines.some((line) => pattern.test(line)), `${pattern}`);
  has(/install -m 755 chibibooru-\S+\.run \/usr\/local\/bin\/chibibooru$/);
  has(/useradd --system .* chibibooru$/);
  for (const name of SERVICES) {
    assertEquals(valuesOf(name, "User"), ["chibibooru"], name);
    assert(valuesOf(name, "ExecStart")[0].startsWith("/usr/local/bin/chibibooru "), name);
    const dash = name.includes("@") ? "-%i" : "";
    assertEquals(valuesOf(name, "StateDirectory"), [`chibibooru${dash}`]);
    assertEquals(valuesOf(name, "Environment"), [
      `CHIBIBOORU_LIBRARY=/var/lib/chibibooru${dash}`,
      "CHIBIBOORU_CACHE=/var/cache/chibibooru",
    ]);
    assertEquals(valuesOf(name, "CacheDirectory"), ["chibibooru"]);
    const [written] = valuesOf(name, "ReadWritePaths");
    if (written === undefined) continue;
    const folder = written.replace(/^-/, "");
    assertStringIncludes(valuesOf(name, "ExecStart")[0], `--to ${folder} `);
    has(new RegExp(`install -d -o chibibooru .* ${folder.replace("%i", "films")}$`));
  }
});

Deno.test("units keep away what is not needed, and leave what V8 and sharp do", () => {
  const wanted: Record<string, string> = {
    NoNewPrivileges: "yes",
    ProtectSystem: "strict",
    ProtectHome: "yes",
    PrivateTmp: "yes",
    RestrictNamespaces: "yes",
    CapabilityBoundingSet: "",
    IPAddressDeny: "any",
  };
  for (const name of SERVICES) {
    for (const [key, value] of Object.entries(wanted)) {
      assertEquals(valuesOf(name, key), [value], `${name} ${key}`);
    }
    // Compiled code is written to memory and then run.
    assertEquals(valuesOf(name, "MemoryDenyWriteExecute"), [], name);
    const unset = parseUnit(name).filter(({ key, value }) =>
      value === "" && !/Capabilit/.test(key)
    );
    assertEquals(unset, [], name);
  }
  for (const name of SERVICES.filter((each) => !each.includes("backup"))) {
    assertEquals(valuesOf(name, "IPAddressAllow"), ["localhost"]);
    assertEquals(valuesOf(name, "Restart"), ["on-failure"]);
    assert(Number(valuesOf(name, "TimeoutStopSec")[0]) > 10, "a shutdown ends in order");
  }
});

Deno.test("proxies of deploy/ lead to the server, keep the Host and let uploads pass", () => {
  const { host, port } = parseServeConfig({ args: [], env: () => undefined, folder: "/" });
  assertStringIncludes(NGINX, `proxy_pass http://${host}:${port};`);
  assertStringIncludes(CADDY, `reverse_proxy ${host}:${port}`);
  assertMatch(NGINX, /proxy_set_header Host \$http_host;/);
  assert(!/X-Forwarded|Origin/i.test(NGINX + CADDY));
  assertMatch(NGINX, /^ {4}auth_basic "/m);
  assertMatch(CADDY, /^\tbasicauth \{/m);
  const [, nginxMegabytes] = /client_max_body_size (\d+)m;/.exec(NGINX)!;
  const [, caddyMegabytes] = /max_size (\d+)MiB/.exec(CADDY)!;
  for (const megabytes of [nginxMegabytes, caddyMegabytes]) {
    assert(Number(megabytes) * 1_048_576 > TAG_LIST_UPLOAD_BYTES_MAX);
    assertStringIncludes(DOCUMENT, `${megabytes} MB`);
  }
});

Deno.test("the image runs as a user of its own, and asks the server whether it is well", () => {
  assertMatch(DOCKER, /^FROM debian:bookworm-slim$/m);
  assertMatch(DOCKER, /^USER chibibooru$/m);
  assertMatch(DOCKER, /^VOLUME \/library$/m);
  const [, uid] = /--uid (\d+)/.exec(DOCKER)!;
  assertStringIncludes(DOCUMENT, `number ${uid}`);
  const [, words] = /^HEALTHCHECK [^\n]*\n {2}CMD (\[.*\])$/m.exec(DOCKER)!;
  const [shell, , script] = JSON.parse(words) as string[];
  assertEquals(shell, "bash");
  assertStringIncludes(script, "GET /healthz HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n");
});

Deno.test("the question of the image's HEALTHCHECK tells a server from none", async () => {
  const [, words] = /^HEALTHCHECK [^\n]*\n {2}CMD (\[.*\])$/m.exec(DOCKER)!;
  const [shell, ...args] = JSON.parse(words) as string[];
  const ask = async (port: number) => {
    const env = { CHIBIBOORU_PORT: `${port}` };
    const command = new Deno.Command(shell, { args, env, stdout: "null", stderr: "null" });
    return (await command.output()).success;
  };
  let status = "ok";
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => Response.json({ status }),
  );
  assertEquals(await ask(server.addr.port), true);
  status = "ill";
  assertEquals(await ask(server.addr.port), false);
  await server.shutdown();
  assertEquals(await ask(server.addr.port), false);
});

/** Whether systemd-analyze is on this machine. */
async function hasAnalyzer(): Promise<boolean> {
  try {
    return (await new Deno.Command("systemd-analyze", { args: ["--version"], stdout: "null" })
      .output())
      .success;
  } catch {
    return false;
  }
}

if (await hasAnalyzer()) {
  Deno.test("systemd-analyze has nothing to say about the units", () =>
    withTempDir(async (dir) => {
      for (const name of UNITS) {
        // The program need not be installed where tests run.
        const text = read(`deploy/${name}`).replace(/^ExecStart=\S+/m, "ExecStart=/bin/true");
        await Deno.writeTextFile(join(dir, name), text);
      }
      const paths = UNITS.map((name) => join(dir, name.replace("@.", "@films.")));
      for (const name of UNITS.filter((each) => each.includes("@"))) {
        await Deno.copyFile(join(dir, name), join(dir, name.replace("@.", "@films.")));
      }
      const { code, stdout, stderr } = await new Deno.Command("systemd-analyze", {
        args: ["verify", "--man=no", ...paths],
        env: { SYSTEMD_UNIT_PATH: `${dir}:` },
      }).output();
      const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
      assertEquals([code, said], [0, ""]);
    }));
} else {
  console.warn(
    "systemd-analyze is not installed: the units of deploy/ are only read, not verified",
  );
}
