import { type Context, Hono } from "hono";
import { AppError } from "../base/errors.ts";
import { ID_MAX } from "../base/ids.ts";
import { TRASH_DAYS_MAX } from "../base/limits.ts";
import { restoreFromTrash } from "../library/trash.ts";
import { emptyTrash, setTrashKeepDays, startEmptying } from "../library/trash_empty.ts";
import { listTrash, type TrashView } from "../library/trash_list.ts";
import type { FlashMessages } from "./flash.ts";
import type { PageMessage } from "./pages/message.tsx";
import { TRASH_PATH, type TrashedEntry, TrashPage } from "./pages/trash.tsx";
import { toPageStatus } from "./page_status.ts";
import { readForm, readId } from "./params.ts";
import { leadToTask } from "./task_page_routes.tsx";
import type { ServerState } from "./server_state.ts";

/** Entries on one page. */
const ENTRIES_SHOWN = 40;

/** The page of the trash and its forms. */
export function buildTrashPageRoutes(state: ServerState, flashes: FlashMessages): Hono {
  const { library } = state;
  const routes = new Hono();
  const done = (context: Context, message: PageMessage) =>
    context.redirect(`${TRASH_PATH}?done=${flashes.put(message)}`, 303);
  routes.get(TRASH_PATH, (context) => {
    const text = context.req.query("page") ?? "1";
    const page = /^[1-9]\d{0,9}$/.test(text) && Number(text) <= ID_MAX ? Number(text) : 1;
    const { entries, total, keepDays } = listTrash(library, { limit: ENTRIES_SHOWN, page });
    return context.html(
      <TrashPage
        entries={entries.map(toEntry)}
        total={total}
        page={page}
        limit={ENTRIES_SHOWN}
        keepDays={keepDays}
        status={toPageStatus(state)}
        message={flashes.take(context.req.query("done"))}
      />,
    );
  });
  routes.post(`${TRASH_PATH}/:id/restore`, async (context) => {
    const { kind, imageId, filepath } = await restoreFromTrash(library, readId(context));
    if (imageId === null) {
      const text = `${filepath} is back as a file. No post has its content any more.`;
      return done(context, { kind: "done", text });
    }
    const text = kind === "image" ? `Post ${imageId} is back.` : `The copy is back at ${filepath}.`;
    const key = flashes.put({ kind: "done", text });
    return context.redirect(`/posts/${imageId}?done=${key}`, 303);
  });
  routes.post(`${TRASH_PATH}/:id/delete`, async (context) => {
    const id = readId(context);
    const { kept } = await emptyTrash(library, { entryIds: [id] });
    const message: PageMessage = kept.length === 0
      ? { kind: "done", text: "It is removed for good." }
      : { kind: "error", text: `It stays in the trash: ${kept[0].reason}` };
    return done(context, message);
  });
  routes.post(`${TRASH_PATH}/empty`, async (context) => {
    const olderThanDays = readDays(await readForm(context), 0);
    return leadToTask(context, flashes, () => startEmptying(library, { olderThanDays }));
  });
  routes.post(`${TRASH_PATH}/settings`, async (context) => {
    const text = await readForm(context);
    const keepDays = text("days").trim() === "" ? null : readDays(text, 1);
    await setTrashKeepDays(library, keepDays);
    return done(context, {
      kind: "done",
      text: keepDays === null
        ? "Nothing is removed by itself any more."
        : `What has been here for ${keepDays} days is removed by itself from now on.`,
    });
  });
  return routes;
}

function readDays(text: (name: string) => string, min: number): number {
  const days = /^\d{1,6}$/.test(text("days").trim()) ? Number(text("days")) : -1;
  if (days >= min && days <= TRASH_DAYS_MAX) return days;
  throw new AppError("bad_request", `"${text("days")}" is no number of days from ${min} on`);
}

function toEntry(entry: TrashView): TrashedEntry {
  return {
    ...entry,
    trashedAt: new Date(entry.trashedAtMs).toISOString(),
    thumbnail: `/thumbnails/trash/${entry.id}`,
  };
}
