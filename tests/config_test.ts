import { assert, assertEquals, assertThrows } from "@std/assert";
import { AppError } from "../src/base/errors.ts";
import {
  parseImportConfig,
  parseServeConfig,
  type Surroundings,
  toPublicUrls,
  toRescanMinutes,
} from "../src/config.ts";

function around(args: string[], env: Record<string, string> = {}): Surroundings {
  return { args, env: (name) => env[name], folder: "/home/somebody/here" };
}

function serve(args: string[], env?: Record<string, string>) {
  return parseServeConfig(around(args, env));
}

function importing(args: string[], env?: Record<string, string>) {
  return parseImportConfig(around(args, env));
}

/** What a person reads of a refused command line. */
function refusalOf(parse: () => unknown): string {
  const error = assertThrows(parse, AppError);
  assertEquals(error.code, "bad_request");
  assert(error.remedy !== undefined && error.remedy !== "", "there is a remedy");
  return `${error.message}\n${error.remedy}`;
}

Deno.test("parseServeConfig() has the documented defaults, frozen", () => {
  const config = serve([]);
  assertEquals(config, {
    library: "/home/somebody/here/library",
    logLevel: "info",
    host: "127.0.0.1",
    port: 5000,
    apiKey: null,
    adminSecret: null,
    publicUrls: [],
    logFile: null,
    watch: false,
    rescanMinutes: 10,
  });
  assert(Object.isFrozen(config));
});

Deno.test("parseServeConfig() prefers flags to the environment, and both to defaults", () => {
  const env = {
    CHIBIBOORU_LIBRARY: "/from/env",
    CHIBIBOORU_HOST: "localhost",
    CHIBIBOORU_PORT: "1234",
    CHIBIBOORU_API_KEY: "secret",
    CHIBIBOORU_ADMIN_SECRET: "other secret",
    CHIBIBOORU_PUBLIC_URL: "https://booru.example",
    CHIBIBOORU_LOG_FILE: "logs/server.log",
    LOG_LEVEL: "DEBUG",
  };
  assertEquals(serve([], env), {
    library: "/from/env",
    logLevel: "debug",
    host: "localhost",
    port: 1234,
    apiKey: "secret",
    adminSecret: "other secret",
    publicUrls: ["https://booru.example"],
    logFile: "/home/somebody/here/logs/server.log",
    watch: false,
    rescanMinutes: 10,
  });
  const flags = ["--library", "/flag", "--host=::1", "--port", "0", "--log-level", "warn"];
  flags.push("--log-file", "/var/log/x", "--watch", "--rescan-minutes", "3");
  assertEquals(serve(flags, env), {
    library: "/flag",
    logLevel: "warning",
    host: "::1",
    port: 0,
    apiKey: "secret",
    adminSecret: "other secret",
    publicUrls: ["https://booru.example"],
    logFile: "/var/log/x",
    watch: true,
    rescanMinutes: 3,
  });
});

Deno.test("an empty variable counts as not set, an empty path is refused", () => {
  const names = [
    ...["CHIBIBOORU_LIBRARY", "CHIBIBOORU_HOST", "CHIBIBOORU_PORT", "CHIBIBOORU_API_KEY"],
    ...["LOG_LEVEL", "CHIBIBOORU_ADMIN_SECRET", "CHIBIBOORU_LOG_FILE"],
  ];
  const env = Object.fromEntries(names.map((name) => [name, ""]));
  assertEquals(serve([], env), serve([]));
  // `--library "$UNSET"` must not make a library of the folder where somebody happens to be.
  assert(refusalOf(() => serve(["--library", ""])).includes("--library"));
  refusalOf(() => importing([""]));
  refusalOf(() => importing(["pictures", ""]));
});

Deno.test("relative paths resolve against the folder of the user", () => {
  assertEquals(serve(["--library", "mine"]).library, "/home/somebody/here/mine");
  assertEquals(serve(["--library", "../mine/"]).library, "/home/somebody/mine");
  assertEquals(serve(["--library", "."]).library, "/home/somebody/here");
  assertEquals(serve([], { CHIBIBOORU_LIBRARY: "a/b" }).library, "/home/somebody/here/a/b");
  assertEquals(importing(["a", "../b", "/c/./d", "."]).folders, [
    "/home/somebody/here/a",
    "/home/somebody/b",
    "/c/d",
    "/home/somebody/here",
  ]);
});

Deno.test("parseServeConfig() refuses every host but loopback, and says why", () => {
  for (
    const host of [
      "0.0.0.0",
      "::",
      "192.168.1.2",
      "127.0.0.2",
      "example.com",
      "LOCALHOST.evil",
      "[::1]",
      "127.1",
      " 127.0.0.1",
      "::ffff:127.0.0.1",
    ]
  ) {
    for (
      const parse of [() => serve(["--host", host]), () => serve([], { CHIBIBOORU_HOST: host })]
    ) {
      const text = refusalOf(parse);
      assert(text.includes(host) && text.includes("--host"), text);
      assert(/login/.test(text), text);
    }
  }
});

Deno.test("parseServeConfig() refuses what is no port, naming the option", () => {
  for (
    const port of ["-1", "65536", "99999", "1e3", "0x50", "80.5", "http", " 80", "123456", "５"]
  ) {
    assert(refusalOf(() => serve([`--port=${port}`])).includes("--port"), port);
    assert(refusalOf(() => serve([], { CHIBIBOORU_PORT: port })).includes("CHIBIBOORU_PORT"), port);
  }
  assert(refusalOf(() => serve(["--port="])).includes("--port"));
  assertEquals(serve(["--port", "65535"]).port, 65_535);
});

Deno.test("unknown options, missing values and stray arguments are named", () => {
  for (
    const [args, named] of [
      [["--prot", "80"], "--prot"],
      [["-x"], "-x"],
      [["--port"], "--port"],
      [["--library", "--port", "80"], "--library"],
      [["somewhere"], "somewhere"],
      [["--move"], "--move"],
      [["--log-level", "loud"], "--log-level"],
    ] as const
  ) {
    assert(refusalOf(() => serve([...args])).includes(named), args.join(" "));
  }
  assert(refusalOf(() => serve([], { LOG_LEVEL: "loud" })).includes("LOG_LEVEL"));
  assert(refusalOf(() => importing(["a", "--copy=yes"])).includes("--copy"));
});

Deno.test("a -- directly behind the task's name is passed over, as npm has it", () => {
  assertEquals(serve(["--", "--port", "5111"]).port, 5_111);
  assertEquals(importing(["--", "a", "--move"]).mode, "move");
  // Only there: behind it a name may begin with a dash.
  assertEquals(importing(["--move", "--", "-a"]).folders, ["/home/somebody/here/-a"]);
  assert(refusalOf(() => serve(["5111"])).includes("--port PORT"));
});

Deno.test("parseImportConfig() has the documented defaults and options", () => {
  assertEquals(importing(["pictures"]), {
    library: "/home/somebody/here/library",
    logLevel: "info",
    folders: ["/home/somebody/here/pictures"],
    mode: "copy",
    dryRun: false,
    acceptChanged: false,
    json: false,
  });
  assertEquals(importing(["--move", "a", "--dry-run", "b", "--json"]).mode, "move");
  const all = importing(["--in-place", "a", "--dry-run", "--json", "--library=/l", "--", "--b"]);
  assertEquals(all, {
    library: "/l",
    logLevel: "info",
    folders: ["/home/somebody/here/a", "/home/somebody/here/--b"],
    mode: "in-place",
    dryRun: true,
    acceptChanged: false,
    json: true,
  });
  assertEquals(importing(["--in-place", "a", "--accept-changed"]).acceptChanged, true);
});

Deno.test("parseImportConfig() refuses no folder and two modes", () => {
  assert(refusalOf(() => importing([])).includes("import DIR"));
  for (
    const [one, other] of [["--copy", "--move"], ["--move", "--in-place"], ["--copy", "--in-place"]]
  ) {
    const text = refusalOf(() => importing(["a", one, other]));
    assert(text.includes(one) && text.includes(other), text);
  }
  for (const args of [["a"], ["a", "--move"]]) {
    const text = refusalOf(() => importing([...args, "--accept-changed"]));
    assert(text.includes("--in-place"), text);
  }
});

Deno.test("toRescanMinutes() takes a minute to a week", () => {
  assertEquals([undefined, "1", "10080"].map(toRescanMinutes), [10, 1, 10_080]);
  for (const text of ["0", "10081", "-1", "1.5", "x", "", " 1"]) {
    const refusal = refusalOf(() => serve(["--watch", `--rescan-minutes=${text}`]));
    assert(refusal.includes(`"${text}"`) && refusal.includes("--rescan-minutes"), refusal);
  }
});

Deno.test("toPublicUrls() gives origins of whole sites, and refuses what is none", () => {
  const good: [text: string | undefined, origins: string[]][] = [
    [undefined, []],
    ["", []],
    [" , ", []],
    ["https://booru.example", ["https://booru.example"]],
    ["HTTPS://Booru.Example:443/", ["https://booru.example"]],
    ["https://booru.example,https://booru.example/", ["https://booru.example"]],
    ["http://nas.lan:8080, https://b\u00fccher.example", [
      "http://nas.lan:8080",
      "https://xn--bcher-kva.example",
    ]],
    ["https://[fd00::1]:8443", ["https://[fd00::1]:8443"]],
  ];
  for (const [text, origins] of good) assertEquals(toPublicUrls(text), origins, text);
  const bad: [text: string, remedy: string][] = [
    ["booru.example", "https://NAME"],
    ["booru.example:443", "https://NAME"],
    ["ftp://booru.example", "https://NAME"],
    ["https://", "https://NAME"],
    ["*", "https://NAME"],
    ["https://booru.example/library", "no path"],
    ["https://me:secret@booru.example", "no path or password"],
    ["https://booru.example/?a", "no path"],
    ["https://booru.example/#a", "no path"],
    ["https://booru.example,http://booru.example", "same host"],
  ];
  for (const [text, remedy] of bad) {
    const refusal = refusalOf(() => toPublicUrls(text));
    assert(refusal.includes(remedy), `${text}: ${refusal}`);
  }
});
