import { type Context, Hono } from "hono";
import { AppError } from "../base/errors.ts";
import { TAG_LIST_UPLOAD_BYTES_MAX } from "../base/limits.ts";
import { BACKUPS_KEPT } from "../library/backup.ts";
import { type CheckKind, REPAIRABLE_KINDS } from "../library/check_kinds.ts";
import { readOverview } from "../library/overview.ts";
import { startReload } from "../library/reload.ts";
import type { Task } from "../library/tasks.ts";
import { receiveUpload } from "../library/uploads.ts";
import { readMemory } from "../system/memory.ts";
import { TAG_NUMBERINGS } from "../tags/tag_numbering.ts";
import type { FlashMessages } from "./flash.ts";
import {
  startBackup,
  startCheck,
  startDedupe,
  startScan,
  startTagImport,
} from "./library_tasks.ts";
import { readFileForm } from "./multipart.ts";
import { LibraryPage } from "./pages/library.tsx";
import type { ShownRoot } from "./pages/watch.tsx";
import { toPageStatus } from "./page_status.ts";
import { readForm } from "./params.ts";
import type { ServerState } from "./server_state.ts";
import { leadBack, leadToTask } from "./task_page_routes.tsx";

const LIBRARY_PATH = "/library";

/** The page of the library as a whole, and its forms: each starts a task and leads to it. */
export function buildLibraryPageRoutes(state: ServerState, flashes: FlashMessages): Hono {
  const { library, watch } = state;
  const routes = new Hono();
  routes.get(LIBRARY_PATH, (context) => showLibrary(state, context, flashes));
  /** What cannot be begun as asked is told on the page itself. */
  const start = (
    path: string,
    work: (context: Context) => Task | Promise<Task>,
  ) =>
    routes.post(`${LIBRARY_PATH}/${path}`, async (context) => {
      try {
        return await leadToTask(context, flashes, () => work(context));
      } catch (error) {
        return leadBack(context, { flashes, path: LIBRARY_PATH, error });
      }
    });
  start("dedupe", async (context) => {
    const text = await readForm(context);
    return startDedupe(library, { delete: false, includeInPlace: text("in_place") === "yes" });
  });
  start("check", async (context) => startCheck(library, await readCheck(context)));
  start("backup", () => startBackup(library, { keep: BACKUPS_KEPT }));
  start("reload", () => startReload(library));
  start("scan", () => startScan(state));
  start("watch/:root/accept", async (context) => {
    await watch.accept(context.req.param("root") ?? "");
    return library.tasks.active("watch-scan") ?? startScan(state);
  });
  start("tags/import", (context) => importTags(state, context));
  return routes;
}

async function showLibrary(
  state: ServerState,
  context: Context,
  flashes: FlashMessages,
): Promise<Response> {
  const { library, watch } = state;
  return await context.html(
    <LibraryPage
      overview={await readOverview(library)}
      memory={readMemory()}
      ffmpegVersion={await state.ffmpegVersion}
      roots={toRoots(state)}
      isWatching={watch.isWatching}
      tasks={library.tasks.list()}
      message={flashes.take(context.req.query("done"))}
      status={toPageStatus(state)}
    />,
  );
}

/** Folders that the service knows, or those that it will when it first looks. */
function toRoots({ library, watch }: ServerState): ShownRoot[] {
  if (watch.roots.length > 0) {
    return watch.roots.map((status) => ({ name: status.name, path: status.path, status }));
  }
  return [
    { name: "ingest", path: library.paths.ingest, status: null },
    ...library.roots().map(({ name, path }) => ({ name: `@${name}`, path, status: null })),
  ];
}

async function readCheck(context: Context): Promise<{ hashes: boolean; repair: CheckKind[] }> {
  const form = await context.req.parseBody({ all: true });
  const wanted = [form.repair ?? []].flat();
  const repair = REPAIRABLE_KINDS.filter((kind) => wanted.includes(kind));
  if (repair.length < wanted.length) {
    throw new AppError("bad_request", "Something is to be repaired that cannot be");
  }
  return { hashes: form.hashes === "yes", repair };
}

/** Takes a tag list as it comes, without holding it in memory. */
async function importTags({ library }: ServerState, context: Context): Promise<Task> {
  const form = await readFileForm(context.req.raw);
  const numbering = ([...TAG_NUMBERINGS, "auto"] as const).find((name) =>
    name === form.text("numbering")
  );
  if (numbering === undefined) {
    await form.file.cancel();
    throw new AppError("bad_request", `There is no numbering "${form.text("numbering")}"`);
  }
  const upload = await receiveUpload(library, form.file, TAG_LIST_UPLOAD_BYTES_MAX);
  if (upload.sizeBytes === 0) {
    await upload[Symbol.asyncDispose]();
    throw new AppError("bad_request", "There is nothing in the file", {
      remedy: "Choose a tag list as CSV, or CSV compressed by gzip",
    });
  }
  const name = form.fileName === "" ? "the list" : form.fileName;
  const dryRun = form.text("dry_run") === "yes";
  return await startTagImport(library, upload, { numbering, dryRun, name });
}
