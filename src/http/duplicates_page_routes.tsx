import { type Context, Hono } from "hono";
import { AppError } from "../base/errors.ts";
import { ID_MAX } from "../base/ids.ts";
import { findImageOfContent, reviewDuplicates } from "../library/dedupe_review.ts";
import { removeDuplicate } from "../library/dedupe.ts";
import { isActive, type Task } from "../library/tasks.ts";
import { readTrashKeepDays } from "../store/trash_copies.ts";
import type { FlashMessages } from "./flash.ts";
import { startDedupe } from "./library_tasks.ts";
import {
  ConfirmDuplicatesPage,
  DUPLICATES_PATH,
  DuplicatesPage,
  type ShownReview,
} from "./pages/duplicates.tsx";
import { TASKS_PATH } from "./pages/task_parts.tsx";
import { toPageStatus } from "./page_status.ts";
import { readForm } from "./params.ts";
import type { ServerState } from "./server_state.ts";
import { findTasks, leadBack, leadToTask } from "./task_page_routes.tsx";
import { parseTaskResult } from "./task_results.ts";

/** Groups on one page. */
const GROUPS_SHOWN = 25;
/** How long the answer to a choice waits for the file to be moved, before it leads to the task. */
const WAIT_MS = 4_000;
const MEBIBYTE = 1_048_576;

/** The page of duplicates: what the newest search found, and what becomes of it. */
export function buildDuplicatesPageRoutes(state: ServerState, flashes: FlashMessages): Hono {
  const { library } = state;
  const routes = new Hono();
  routes.get(DUPLICATES_PATH, async (context) => {
    const text = context.req.query("page") ?? "1";
    const page = /^[1-9]\d{0,9}$/.test(text) && Number(text) <= ID_MAX ? Number(text) : 1;
    return await context.html(
      <DuplicatesPage
        review={await readReview(state, page)}
        running={findTasks(state, "dedupe").running}
        message={flashes.take(context.req.query("done"))}
        status={toPageStatus(state)}
      />,
    );
  });
  routes.get(`${DUPLICATES_PATH}/remove`, async (context) => {
    const review = await readReview(state, 1);
    if (review === null || isOutdated(review, context.req.query("report"))) {
      return lookAgain(context, flashes);
    }
    const keepDays = readTrashKeepDays(library.core.reader);
    return await context.html(
      <ConfirmDuplicatesPage review={review} keepDays={keepDays} status={toPageStatus(state)} />,
    );
  });
  routes.post(`${DUPLICATES_PATH}/remove`, async (context) => {
    const text = await readForm(context);
    const review = await readReview(state, 1);
    if (review === null || isOutdated(review, text("report"))) return lookAgain(context, flashes);
    const { includeInPlace } = review.result;
    return await leadToTask(
      context,
      flashes,
      () => startDedupe(library, { delete: true, includeInPlace }),
    );
  });
  routes.post(`${DUPLICATES_PATH}/keep`, async (context) => {
    const text = await readForm(context);
    try {
      const wanted = readChoice(text);
      return await keepOne(state, context, { flashes, wanted });
    } catch (error) {
      return leadBack(context, { flashes, path: DUPLICATES_PATH, error });
    }
  });
  return routes;
}

/** Whether what a person saw is not what the newest search found. */
function isOutdated(review: ShownReview, seen: string | undefined): boolean {
  return review.taskId !== seen || review.removable.count === 0;
}

function lookAgain(context: Context, flashes: FlashMessages): Response {
  const text = "It is not as it was on the page that you saw: look once more.";
  const key = flashes.put({ kind: "error", text });
  return context.redirect(`${DUPLICATES_PATH}?done=${key}`, 303);
}

async function readReview(state: ServerState, page: number): Promise<ShownReview | null> {
  const { library } = state;
  const { newest } = findTasks(state, "dedupe");
  const shown = newest === null ? null : parseTaskResult(newest);
  if (newest === null || shown?.kind !== "dedupe") return null;
  const { result } = shown;
  const review = await reviewDuplicates(library, result);
  const groups = review.groups.slice((page - 1) * GROUPS_SHOWN, page * GROUPS_SHOWN);
  // The list may be the beginning of a longer one: what is not in it is as it was.
  const foundCount = result.duplicatesFound - result.duplicatesRemoved -
    (result.includeInPlace ? 0 : result.duplicatesInPlace);
  const foundBytes = (result.spaceToSaveMb - result.spaceSavedMb) * MEBIBYTE;
  const { now, before } = review;
  return {
    taskId: newest.id,
    endedAt: newest.endedAt ?? newest.startedAt,
    note: newest.note,
    result,
    groups: groups.map((group) => ({ ...group, image: findImageOfContent(library, group.md5) })),
    listedCount: review.groups.length,
    groupCount: result.groupsFound - result.groups.length + review.groups.length,
    page,
    limit: GROUPS_SHOWN,
    removable: {
      count: Math.max(0, foundCount - before.count + now.count),
      bytes: Math.max(0, Math.round(foundBytes - before.bytes + now.bytes)),
    },
  };
}

type Choice = { md5: string; keep: string; includeInPlace: boolean };

function readChoice(text: (name: string) => string): Choice {
  const md5 = text("md5");
  let keep = "";
  try {
    keep = decodeURIComponent(text("keep"));
  } catch {
    // No path.
  }
  if (!/^[0-9a-f]{32}$/.test(md5) || keep === "") {
    throw new AppError("bad_request", "Choose the file that is to be kept");
  }
  return { md5, keep, includeInPlace: text("in_place") === "yes" };
}

/** Keeps one file of a group. It is a task, since it looks through folders; mostly it is done at once. */
async function keepOne(
  { library }: ServerState,
  context: Context,
  { flashes, wanted }: { flashes: FlashMessages; wanted: Choice },
): Promise<Response> {
  const { md5, keep, includeInPlace } = wanted;
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const { id } = library.tasks.start("remove-duplicate", async ({ signal, report }) => {
    const isFound = await removeDuplicate(library, md5, keep, {
      includeInPlace,
      signal,
      onProgress: ({ stage, done, total }) => report({ done, total, message: stage }),
    });
    return { kept: keep, isFound };
  });
  const listening = new AbortController();
  library.tasks.events.on("changed", (task) => {
    if (task.id === id && !isActive(task)) resolve();
  }, { signal: listening.signal });
  const timer = setTimeout(resolve, WAIT_MS);
  await ended;
  clearTimeout(timer);
  listening.abort();
  return answerChoice(context, flashes, { task: library.tasks.get(id)!, wanted });
}

function answerChoice(
  context: Context,
  flashes: FlashMessages,
  { task, wanted }: { task: Task; wanted: Choice },
): Response {
  const shown = parseTaskResult(task);
  if (shown?.kind !== "remove-duplicate") {
    return context.redirect(`${TASKS_PATH}/${task.id}`, 303);
  }
  const { kept, isFound } = shown.result;
  const rest = wanted.includeInPlace ? "" : ", but for those in folders indexed in place";
  const key = flashes.put(
    isFound
      ? { kind: "done", text: `${kept} stays, its other copies are in the trash${rest}.` }
      : { kind: "error", text: `${kept} has other bytes by now, or no copies: search again.` },
  );
  return context.redirect(`${DUPLICATES_PATH}?done=${key}`, 303);
}
