import type { Hono } from "hono";
import { firstCommandLine } from "../base/command_line.ts";
import { AppError, toMessage } from "../base/errors.ts";
import { POLL_INTERVAL_MS } from "../base/limits.ts";
import { configureLogging, log } from "../base/log.ts";
import { setSecrets } from "../base/secrets.ts";
import { parseServeConfig, type ServeConfig, type Surroundings } from "../config.ts";
import { Addresses } from "../http/addresses.ts";
import { buildApp } from "../http/app.tsx";
import { followLoads } from "../http/server_state.ts";
import { type Library, openLibrary } from "../library/library.ts";
import { refusePictureFolder } from "../library/picture_folder.ts";
import { Thumbnails } from "../library/thumbnails.ts";
import { resumeRestore } from "../library/restored_files.ts";
import { resumeTagWork } from "../library/resume_tag_work.ts";
import { resumeTagRules } from "../library/tag_rules.ts";
import { resumeTrash } from "../library/trash.ts";
import { emptyTrashDaily } from "../library/trash_empty.ts";
import { WatchService } from "../library/watch.ts";
import { readFfmpegVersion } from "../media/ffmpeg.ts";
import { openLogFile } from "../system/log_file.ts";
import { StallMeter } from "../system/stalls.ts";
import { VERSION } from "../version.ts";
import { listenForInterrupts } from "./interrupt.ts";
import { startProgressBar } from "./progress_bar.ts";
import { printLine, StatusPrinter } from "./watch_status.ts";

/** How long open connections may go on after a shutdown was asked for. */
const SHUTDOWN_MS = 3_000;

/** Runs `serve` until it is interrupted. */
export async function runServe(around: Surroundings): Promise<number> {
  const config = parseServeConfig(around);
  const isTerminal = Deno.stdout.isTerminal();
  using _logFile = startLogging(config);
  using interrupts = listenForInterrupts();
  using stalls = new StallMeter();
  // First of all: if the port is in use, no library is made and no database is migrated.
  const app = Promise.withResolvers<Hono>();
  const server = listen(config, async (request) => (await app.promise).fetch(request));
  await refusePictureFolder(config.library);
  // A large one takes a while, and it may not be the one that was meant.
  printLine(`Opening ${config.library}`);
  const library = await openLibrary({
    folder: config.library,
    command: "serve",
    print: console.log,
  });
  const watch = new WatchService(library, {
    rescanMs: config.rescanMinutes * 60_000,
    asksOnPage: true,
  });
  let loading = Promise.resolve();
  let isStopping = false;
  try {
    announce(library);
    const shutdown = interrupts.signal;
    app.resolve(buildApp({
      library,
      thumbnails: new Thumbnails(library),
      stalls,
      ...followLoads(library),
      ffmpegVersion: findFfmpeg(),
      shutdown,
      apiKey: config.apiKey,
      adminSecret: config.adminSecret,
      addresses: new Addresses(config.publicUrls),
      watch,
      version: VERSION,
    }));
    const host = config.host.includes(":") ? `[${config.host}]` : config.host;
    console.log(`ChibiBooru ${VERSION} is at http://${host}:${server.addr.port}/`);
    for (const url of config.publicUrls) console.log(`By a proxy it is at ${url}/`);
    await resumeRestore(library);
    await resumeTrash(library);
    resumeTagRules(library);
    const emptying = emptyTrashDaily(library);
    resumeTagWork(library);
    if (config.watch) await startWatching(watch);
    loading = load(library, { isTerminal, isStopping: () => isStopping });
    const poll = startPolling(library);
    await new Promise<void>((resolve) => {
      if (shutdown.aborted) resolve();
      else shutdown.addEventListener("abort", () => resolve(), { once: true });
    });
    clearInterval(poll);
    emptying.stop();
    console.log("Shutting down…");
    await stop(server);
    isStopping = true;
    library.core.stopLoading();
    return 0;
  } finally {
    await watch.stop();
    await library.close();
    await loading;
  }
}

/** Starts the watch; what it does and what it refuses stands in the journal, as with `watch`. */
async function startWatching(watch: WatchService): Promise<void> {
  const printer = new StatusPrinter();
  watch.events.on("settled", (roots) => roots.forEach((root) => printer.show(root)));
  await watch.start();
}

/** Says once what a library without ffmpeg misses. Never rejects. */
async function findFfmpeg(): Promise<string | null> {
  let version: string | null = null;
  try {
    version = await readFfmpegVersion();
  } catch (error) {
    log("media").warn("ffmpeg does not answer: {reason}", { reason: toMessage(error) });
    return null;
  }
  if (version === null) {
    log("media").warn(
      "ffmpeg and ffprobe are not installed: films have no picture in lists. Install ffmpeg and start again",
    );
  }
  return version;
}

/** Logs to standard error and, if one is named, to a file; dispose what is given to close it. */
function startLogging({ logLevel: level, logFile, apiKey, adminSecret }: ServeConfig): Disposable {
  setSecrets([apiKey, adminSecret].filter((secret) => secret !== null));
  const isTerminal = Deno.stderr.isTerminal();
  const file = logFile === null ? null : openLogFile(logFile, {
    onFailure: (reason) => log("log").error("{reason}", { reason }),
  });
  configureLogging({ level, isTerminal, file: file?.write.bind(file) });
  return file ?? { [Symbol.dispose]: () => {} };
}

function announce({ paths, preparation }: Library): void {
  if (preparation.kind === "created") printLine(`New library in ${paths.folder}`);
  if (preparation.kind === "migrated") {
    printLine(
      `The database got this program's tables; a copy from before: ${preparation.backupPath}`,
    );
  }
  if (paths.isOriginal) printLine(`ChibiBooru library in ${paths.folder}, served as it is`);
}

function listen(
  config: ServeConfig,
  handler: (request: Request) => Promise<Response>,
): Deno.HttpServer<Deno.NetAddr> {
  const { host, port } = config;
  try {
    // Nothing is compressed: to this machine it would only cost (a quarter of the answers a second, even
    // to clients that do not want it), and a proxy in front does it itself.
    return Deno.serve({ hostname: host, port, onListen: () => {} }, handler);
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) {
      throw new AppError("port_in_use", `Cannot listen on ${host}:${port}: the port is in use`, {
        remedy: "Is the server running already? Else choose another port with --port",
        cause: error,
      });
    }
    throw new AppError("unavailable", `Cannot listen on ${host}:${port}: ${toMessage(error)}`, {
      remedy: "Choose another port with --port (from 1024 on), or another --host",
      cause: error,
    });
  }
}

/** Loads the cache while requests are served already; a bar on a terminal, the seed's lines elsewhere. */
async function load(
  library: Library,
  options: { isTerminal: boolean; isStopping: () => boolean },
): Promise<void> {
  const { isTerminal, isStopping } = options;
  const bar = startBar(library, isTerminal);
  try {
    // Not verbose: a journal needs no line for every thousand images.
    await library.core.cache.loadDataFromDb({ verbose: false, isWarm: true });
    bar.stop();
    const { length, usedTagCount, postIdCount } = library.core.cache.current;
    console.log(
      `Loaded ${length} images, ${usedTagCount} unique tags, ${postIdCount} cross-source post_ids.`,
    );
    if (length === 0) console.log(`Add pictures and films with: ${firstCommandLine("import DIR")}`);
  } catch (error) {
    bar.stop();
    if (!isStopping()) log("cache").error("The library could not be loaded: {error}", { error });
  }
}

/** A bar of the first load, on terminals only. */
function startBar(library: Library, isTerminal: boolean): { stop: () => void } {
  const bar = startProgressBar<{ stage: string; done: number; total: number }>(
    {
      format: "Loading {bar} {stage} {value}/{total}",
      isQuiet: !isTerminal,
      fields: { stage: "" },
    },
    ({ stage, done, total }) => ({ done, total, fields: { stage } }),
  );
  const ended = new AbortController();
  library.core.events.on("loadProgressed", bar.show, { signal: ended.signal });
  return {
    stop: () => {
      ended.abort();
      bar.stop();
    },
  };
}

/** Looks for commits of other processes; a look that takes longer than the interval is not doubled. */
function startPolling(library: Library): ReturnType<typeof setInterval> {
  let isBusy = false;
  return setInterval(async () => {
    if (isBusy) return;
    isBusy = true;
    try {
      await library.core.poll();
    } catch (error) {
      log("cache").warn("Cannot look for changes of other programs: {error}", { error });
    } finally {
      isBusy = false;
    }
  }, POLL_INTERVAL_MS);
}

async function stop(server: Deno.HttpServer): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, SHUTDOWN_MS);
  await Promise.race([server.shutdown(), late]);
  clearTimeout(timer);
}
