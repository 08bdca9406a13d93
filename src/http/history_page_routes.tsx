import { type Context, Hono } from "hono";
import { AppError, toMessage } from "../base/errors.ts";
import { PAGE_SIZE_DEFAULT } from "../base/limits.ts";
import {
  findOperations,
  type HistoryEntry,
  type HistoryPageRequest,
  listHistory,
  toOperationView,
  undoEdit,
  undoOperation,
} from "../library/history.ts";
import { toImageView } from "../library/image_view.ts";
import type { Library } from "../library/library.ts";
import { continueOperation, requireOperation } from "../library/operations.ts";
import { parsePage } from "../query/page.ts";
import type { UndoOutcome } from "../store/undo.ts";
import { requireInterrupted } from "./api/history_routes.ts";
import type { FlashMessages } from "./flash.ts";
import {
  cancelOperation,
  isOperationActive,
  type OperationTaskKind,
  startOperationTask,
} from "./operation_tasks.ts";
import type { OperationTaskOptions } from "./operation_tasks.ts";
import { HistoryPage, type ShownEntry } from "./pages/history.tsx";
import type { PageMessage } from "./pages/message.tsx";
import { OperationPage } from "./pages/operation.tsx";
import { toPageStatus } from "./page_status.ts";
import { readForm, readId } from "./params.ts";
import { missingImage, type ServerState } from "./server_state.ts";

/** Seconds after which the page of an operation that runs is shown anew. */
const REFRESH_S = 2;

/** The pages of the history and of operations, and the forms that take edits back. */
export function buildHistoryPageRoutes(state: ServerState, flashes: FlashMessages): Hono {
  const { library } = state;
  const routes = new Hono();
  const leadTo = (context: Context, path: string, message: PageMessage) =>
    context.redirect(`${path}?done=${flashes.put(message)}`, 303);
  const show = (context: Context, imageId: number | null) => {
    const message = flashes.take(context.req.query("done"));
    return showHistory(state, context, { imageId, message });
  };
  routes.get("/history", (context) => show(context, null));
  routes.get("/posts/:id/history", (context) => show(context, readId(context)));
  routes.post("/history/:id/undo", async (context) => {
    const post = (await readForm(context))("post");
    const path = /^[1-9]\d{0,9}$/.test(post) ? `/posts/${post}/history` : "/history";
    const message = await orMessage(async () =>
      describeUndo(await undoEdit(library, readId(context)))
    );
    return leadTo(context, path, message);
  });
  routes.get("/operations/:id", (context) => {
    const found = requireOperation(library, readId(context));
    const isRunning = isOperationActive(library, found.id);
    const operation = toOperationView(library, isRunning ? { ...found, state: "running" } : found);
    if (operation.state === "running") context.header("refresh", String(REFRESH_S));
    const message = flashes.take(context.req.query("done"));
    return context.html(
      <OperationPage operation={operation} message={message} status={toPageStatus(state)} />,
    );
  });
  const start = async (
    context: Context,
    kind: OperationTaskKind,
    work: (options: OperationTaskOptions) => Promise<unknown>,
  ) => {
    const id = readId(context);
    try {
      const { started } = startOperationTask(library, kind, work);
      return context.redirect(`/operations/${await started ?? id}`, 303);
    } catch (error) {
      return leadTo(context, `/operations/${id}`, toErrorMessage(error));
    }
  };
  routes.post("/operations/:id/undo", (context) => {
    const { id } = requireOperation(library, readId(context));
    return start(context, "undo", (options) => undoOperation(library, id, options));
  });
  routes.post("/operations/:id/continue", (context) => {
    const { id } = requireInterrupted(state, readId(context));
    return start(context, "bulk-edit", (options) => {
      options.onStarted(id);
      return continueOperation(library, id, options);
    });
  });
  routes.post("/operations/:id/cancel", async (context) => {
    const { id } = requireOperation(library, readId(context));
    const message = await orMessage(() => {
      cancelOperation(library, id);
      return Promise.resolve("It stops after the posts that it works on.");
    });
    return leadTo(context, `/operations/${id}`, message);
  });
  return routes;
}

function describeUndo({ editId, imageId, kept }: UndoOutcome): string {
  const rest = kept.length === 0 ? "" : ` Changed since, and left as it is: ${kept.join(", ")}.`;
  return `Undone in post ${imageId}, by edit ${editId}.${rest}`;
}

/** What was done as a message, or why it was not. */
async function orMessage(work: () => Promise<string>): Promise<PageMessage> {
  try {
    return { kind: "done", text: await work() };
  } catch (error) {
    return toErrorMessage(error);
  }
}

/** @throws What is no expected failure, or names what is not there. */
function toErrorMessage(error: unknown): PageMessage {
  if (!(error instanceof AppError) || error.code === "not_found") throw error;
  return { kind: "error", text: toMessage(error), remedy: error.remedy ?? null };
}

function showHistory(
  state: ServerState,
  context: Context,
  { imageId, message }: { imageId: number | null; message: PageMessage | null },
): Response | Promise<Response> {
  const { library } = state;
  const page = parsePage(context.req.query("page"));
  const of: HistoryPageRequest["of"] = imageId === null ? "heads" : { imageId };
  const { entries, next } = listHistory(library, { of, page, limit: PAGE_SIZE_DEFAULT });
  if (imageId !== null && entries.length === 0) {
    const isThere = library.core.cache.current.rowOfId(imageId) !== undefined;
    if (!isThere) throw missingImage(state, imageId, "post");
  }
  const path = imageId === null ? "/history" : `/posts/${imageId}/history`;
  return context.html(
    <HistoryPage
      imageId={imageId}
      entries={toShown(library, entries)}
      older={next === null ? null : `${path}?page=${next}`}
      newest={page.kind === "number" && page.number === 1 ? null : path}
      message={message}
      status={toPageStatus(state)}
    />,
  );
}

function toShown(library: Library, entries: readonly HistoryEntry[]): ShownEntry[] {
  const snapshot = library.core.cache.current;
  const operations = findOperations(library, entries);
  return entries.map((entry) => {
    const row = snapshot.rowOfId(entry.imageId);
    const operation = operations.get(entry.operationId ?? 0);
    return {
      ...entry,
      thumbnail: row === undefined ? null : toImageView(snapshot, row).urls.thumbnail,
      operation: operation === undefined ? null : toOperationView(library, operation),
    };
  });
}
