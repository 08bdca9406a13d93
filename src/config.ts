import { isAbsolute, resolve } from "node:path";
import { parseArgs } from "node:util";
import { commandLine } from "./base/command_line.ts";
import { AppError, toMessage } from "./base/errors.ts";
import { WATCH_RESCAN_MINUTES } from "./base/limits.ts";
import { parseLogLevel } from "./base/log.ts";

/** What the user decided, by flags and environment; parsed once and frozen. */
export type Config = Readonly<{
  /** Folder of the library, absolute. */
  library: string;
  logLevel: NonNullable<ReturnType<typeof parseLogLevel>>;
}>;

/** What `serve` needs besides. */
export type ServeConfig =
  & Config
  & Readonly<{
    host: string;
    port: number;
    /** What clients of the Danbooru API sign in with; null asks for nothing. */
    apiKey: string | null;
    /** What programs must send to /metrics and to destroy much by the API; null asks for nothing. */
    adminSecret: string | null;
    /** Addresses under which a proxy makes the server known, as origins; no two of one host. */
    publicUrls: readonly string[];
    /** Whether `ingest/` and the folders that are indexed in place are watched, and looked through so often. */
    watch: boolean;
    rescanMinutes: number;
    /** File that takes the log besides standard error, absolute; null: none. */
    logFile: string | null;
  }>;

/** What `import` needs besides. */
export type ImportConfig =
  & Config
  & Readonly<{
    folders: string[];
    mode: "copy" | "move" | "in-place";
    dryRun: boolean;
    /** Takes folders for the right ones however many of their files have other contents. */
    acceptChanged: boolean;
    json: boolean;
  }>;

/** What `doctor` needs besides: where the server would listen. */
export type DoctorConfig =
  & Config
  & Readonly<{
    host: string;
    port: number;
    publicUrls: readonly string[];
    /** Folder that backups are written to besides the library's own, absolute; null: none. */
    backups: string | null;
    json: boolean;
  }>;

/** Where the program runs: arguments after the command, environment, and the user's folder. */
export type Surroundings = {
  args: readonly string[];
  env: (name: string) => string | undefined;
  /** Folder against which relative paths resolve: the user's, not the project's. */
  folder: string;
};

/** Hosts that only this machine reaches: others are refused until logins exist. */
const LOOPBACK = ["127.0.0.1", "localhost", "::1"];

/** Whether only this machine reaches a host. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.includes(host);
}

const WEEK_MINUTES = 7 * 24 * 60;

/** Options that every command takes. */
export const COMMON_OPTIONS = {
  library: { type: "string" },
  "log-level": { type: "string" },
} as const;

/**
 * Reads the configuration of `serve`.
 *
 * @throws {AppError} `bad_request` naming the option and what it takes.
 */
export function parseServeConfig(around: Surroundings): ServeConfig {
  const { values, positionals } = parseOptions(around.args, {
    ...COMMON_OPTIONS,
    host: { type: "string" },
    port: { type: "string" },
    "public-url": { type: "string" },
    "log-file": { type: "string" },
    watch: { type: "boolean" },
    "rescan-minutes": { type: "string" },
  });
  if (positionals.length > 0) throw unexpected(positionals[0], "serve");
  const host = values.host ?? readEnv(around, "CHIBIBOORU_HOST") ?? "127.0.0.1";
  if (!isLoopback(host)) {
    throw new AppError("bad_request", `Cannot listen on ${host}: there are no logins yet`, {
      remedy:
        `Use --host 127.0.0.1, and a reverse proxy with a login of its own for other machines`,
    });
  }
  const port = toPort(values.port ?? readEnv(around, "CHIBIBOORU_PORT") ?? "5000");
  const apiKey = readEnv(around, "CHIBIBOORU_API_KEY") ?? null;
  const adminSecret = readEnv(around, "CHIBIBOORU_ADMIN_SECRET") ?? null;
  const logPath = values["log-file"] ?? readEnv(around, "CHIBIBOORU_LOG_FILE") ?? null;
  const logFile = logPath === null ? null : toPath(logPath, around);
  const common = toCommonConfig(values, around);
  const watch = values.watch === true;
  const rescanMinutes = toRescanMinutes(values["rescan-minutes"]);
  const publicUrls = toPublicUrls(values["public-url"] ?? readEnv(around, "CHIBIBOORU_PUBLIC_URL"));
  const access = { host, port, apiKey, adminSecret, publicUrls };
  return Object.freeze({ ...common, ...access, logFile, watch, rescanMinutes });
}

/**
 * Reads the configuration of `import`.
 *
 * @throws {AppError} `bad_request` naming the option and what it takes.
 */
export function parseImportConfig(around: Surroundings): ImportConfig {
  const { values, positionals } = parseOptions(around.args, {
    ...COMMON_OPTIONS,
    copy: { type: "boolean" },
    move: { type: "boolean" },
    "in-place": { type: "boolean" },
    "accept-changed": { type: "boolean" },
    "dry-run": { type: "boolean" },
    json: { type: "boolean" },
  });
  if (positionals.length === 0) {
    throw new AppError("bad_request", "Cannot import: no folder is given", {
      remedy: "Name at least one: " +
        commandLine("import DIR… [--copy | --move | --in-place] [--dry-run] [--json]"),
    });
  }
  const modes = (["copy", "move", "in-place"] as const).filter((mode) => values[mode] === true);
  if (modes.length > 1) {
    throw new AppError("bad_request", `Cannot import with both --${modes[0]} and --${modes[1]}`, {
      remedy: "Choose one of --copy, --move, --in-place",
    });
  }
  const acceptChanged = values["accept-changed"] === true;
  if (acceptChanged && modes[0] !== "in-place") {
    throw new AppError(
      "bad_request",
      "Cannot accept changed files of folders that are not indexed",
      {
        remedy: "Use --accept-changed together with --in-place",
      },
    );
  }
  return Object.freeze({
    ...toCommonConfig(values, around),
    folders: positionals.map((folder) => toPath(folder, around)),
    mode: modes[0] ?? "copy",
    dryRun: values["dry-run"] === true,
    acceptChanged,
    json: values.json === true,
  });
}

/**
 * Reads the configuration of `doctor`.
 *
 * @throws {AppError} `bad_request` naming the option and what it takes.
 */
export function parseDoctorConfig(around: Surroundings): DoctorConfig {
  const { values, positionals } = parseOptions(around.args, {
    ...COMMON_OPTIONS,
    port: { type: "string" },
    backups: { type: "string" },
    json: { type: "boolean" },
  });
  if (positionals.length > 0) {
    const what = `Cannot examine "${positionals[0]}": doctor takes no such argument`;
    throw new AppError("bad_request", what, {
      remedy: `Use ${commandLine("doctor [--library DIR] [--port PORT] [--backups DIR] [--json]")}`,
    });
  }
  return Object.freeze({
    ...toCommonConfig(values, around),
    host: readEnv(around, "CHIBIBOORU_HOST") ?? "127.0.0.1",
    port: toPort(values.port ?? readEnv(around, "CHIBIBOORU_PORT") ?? "5000"),
    publicUrls: toPublicUrls(readEnv(around, "CHIBIBOORU_PUBLIC_URL")),
    backups: values.backups === undefined ? null : toPath(values.backups, around),
    json: values.json === true,
  });
}

/** What stands on a command line: options by their names, and the rest. */
export type ParsedOptions<T extends OptionTypes> = ReturnType<
  typeof parseArgs<{ options: T; allowPositionals: true; strict: true }>
>;

/** Options of a command line, as `parseArgs` takes them. */
export type OptionTypes = Record<string, { type: "string" | "boolean" }>;

/**
 * Splits a command line into options and the rest.
 *
 * @throws {AppError} `bad_request` naming what cannot be understood.
 */
export function parseOptions<T extends OptionTypes>(
  given: readonly string[],
  options: T,
): ParsedOptions<T> {
  // As npm has it: `task serve -- --port 5001`. Deno hands the "--" on.
  const args = given.slice(given[0] === "--" ? 1 : 0);
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true });
  } catch (error) {
    // What follows in Node's words is how to give a name that begins with a hyphen.
    const [reason] = toMessage(error).split(/\. To specify |\n/);
    throw new AppError("bad_request", `Cannot read the command line: ${reason}`, {
      remedy: "See the options of the command with --help",
    });
  }
}

/**
 * What every command needs: flags first, then the environment, then defaults.
 *
 * @throws {AppError} `bad_request` for an unknown log level or an empty path.
 */
export function toCommonConfig(
  values: { library?: string; "log-level"?: string },
  around: Surroundings,
): Config {
  const levelText = values["log-level"] ?? readEnv(around, "LOG_LEVEL") ?? "info";
  const logLevel = parseLogLevel(levelText);
  if (logLevel === undefined) {
    throw new AppError("bad_request", `There is no log level "${levelText}"`, {
      remedy: "Use --log-level (or LOG_LEVEL) trace, debug, info, warning, error or fatal",
    });
  }
  const library = values.library ?? readEnv(around, "CHIBIBOORU_LIBRARY") ?? "library";
  return { library: toPath(library, around), logLevel };
}

/** Reads the environment. A variable that is set to nothing counts as not set, as service files and containers mean it. */
export function readEnv(around: Surroundings, name: string): string | undefined {
  return around.env(name) || undefined;
}

/** Absolute path of what a user typed. An empty path is mostly a shell variable that is not set: it must not mean the current folder. */
export function toPath(path: string, around: Surroundings): string {
  if (path === "") {
    throw new AppError("bad_request", "Cannot use an empty path as a folder", {
      remedy: "Give --library and the folders to import a name; . is the current folder",
    });
  }
  return isAbsolute(path) ? resolve(path) : resolve(around.folder, path);
}

/**
 * How often watched folders are looked through.
 *
 * @throws {AppError} `bad_request` if it is no number of minutes from 1 to a week.
 */
export function toRescanMinutes(text: string | undefined): number {
  if (text === undefined) return WATCH_RESCAN_MINUTES;
  const minutes = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (minutes < 1 || minutes > WEEK_MINUTES) {
    throw new AppError("bad_request", `Cannot look through folders every "${text}" minutes`, {
      remedy: `Use --rescan-minutes with a number from 1 to ${WEEK_MINUTES}`,
    });
  }
  return minutes;
}

/**
 * Origins of the addresses that are listed with commas.
 *
 * @throws {AppError} `bad_request` if one is no address of a whole site, or two are of one host.
 */
export function toPublicUrls(text: string | undefined): readonly string[] {
  const parts = (text ?? "").split(",").map((part) => part.trim()).filter((part) => part !== "");
  const byHost = new Map<string, string>();
  for (const part of parts) {
    const { host, origin } = toPublicUrl(part);
    const known = byHost.get(host);
    if (known !== undefined && known !== origin) {
      throw badPublicUrl(part, `${known} has the same host: let the proxy lead one to the other`);
    }
    byHost.set(host, origin);
  }
  return Object.freeze([...byHost.values()]);
}

function toPublicUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.host === "") {
    throw badPublicUrl(text, "Use --public-url https://NAME, also several with commas");
  }
  if (`${url.username}${url.password}${url.search}${url.hash}` !== "" || url.pathname !== "/") {
    throw badPublicUrl(text, "Name no path or password: a library has a host of its own");
  }
  return url;
}

function badPublicUrl(text: string, remedy: string): AppError {
  return new AppError("bad_request", `Cannot be known as ${JSON.stringify(text)}`, { remedy });
}

function toPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1;
  if (port < 0 || port > 65_535) {
    throw new AppError("bad_request", `Cannot listen on port "${text}"`, {
      remedy:
        "Use --port (or CHIBIBOORU_PORT) with a number from 1 to 65535, or 0 for any free port",
    });
  }
  return port;
}

function unexpected(argument: string, command: string): AppError {
  return new AppError(
    "bad_request",
    `Cannot ${command} with "${argument}": it takes no such argument`,
    {
      remedy: `Use ${commandLine(command)} [--library DIR] [--host HOST] [--port PORT] ` +
        "[--public-url URL] [--watch] [--log-level LEVEL] [--log-file FILE]",
    },
  );
}
