import * as z from "zod";
import { BACKUP_REQUEST } from "../api/backup_routes.ts";
import { CHECK_REQUEST } from "../api/check_routes.ts";
import { DEDUPE_REQUEST } from "../api/dedupe_routes.ts";
import { TASK_LIST } from "../api/task_routes.ts";
import { TRASH_EMPTYING, TRASH_LIST, TRASH_SETTINGS } from "../api/trash_routes.ts";
import { WATCH_ROOT } from "../api/watch_routes.ts";
import { NUMBER_KEY } from "../params.ts";
import { answers200, STARTS_TASK } from "./answers.ts";
import type { RouteDescription } from "./route.ts";
import { TASK } from "./schemas.ts";
import {
  BACKUPS,
  CHECK_KIND_LIST,
  EMPTIED,
  RESTORED,
  TASKS,
  TRASH_KEEPING,
  TRASH_PAGE,
  WATCH,
} from "./schemas_library.ts";

const TASK_KEY = z.object({ id: z.string() });
const SOME_TASK = { id: "5b1f7c9e-0d1c-4a53-9c55-0f2f6f1d7a11" };
const LAST_EVENT = { "Last-Event-ID": "The id of the last event that was seen" };
const EVENTS = "text/event-stream";

const TRASH: readonly RouteDescription[] = [
  {
    method: "get",
    path: "/api/trash",
    part: "Trash",
    summary: "What is in the trash",
    query: TRASH_LIST,
    answers: [answers200("The newest first", TRASH_PAGE)],
  },
  {
    method: "post",
    path: "/api/trash/:id/restore",
    part: "Trash",
    summary: "Brings an image, or a copy, back as it was",
    keys: NUMBER_KEY,
    answers: [answers200("Where it is", RESTORED)],
    problems: [409, 503],
  },
  {
    method: "delete",
    path: "/api/trash/:id",
    part: "Trash",
    summary: "Removes one entry for good",
    keys: NUMBER_KEY,
    answers: [answers200("What that freed", EMPTIED)],
    problems: [409, 503],
  },
  {
    method: "post",
    path: "/api/trash/empty",
    part: "Trash",
    summary: "Removes entries for good",
    body: TRASH_EMPTYING,
    answers: [STARTS_TASK],
    problems: [409, 503],
    example: { body: { olderThanDays: 30 } },
  },
  {
    method: "put",
    path: "/api/trash/settings",
    part: "Trash",
    summary: "Says after how many days entries go by themselves",
    body: TRASH_SETTINGS,
    answers: [answers200("The settings", TRASH_KEEPING)],
    problems: [503],
    example: { body: { keepDays: 90 } },
  },
];

const TASK_ROUTES: readonly RouteDescription[] = [
  {
    method: "get",
    path: "/api/tasks",
    part: "Tasks",
    summary: "Background tasks, also those of earlier runs",
    query: TASK_LIST,
    answers: [answers200("The newest first", TASKS)],
    example: { query: { state: "running" } },
  },
  {
    method: "get",
    path: "/api/tasks/:id",
    part: "Tasks",
    summary: "One task",
    keys: TASK_KEY,
    answers: [answers200("The task", TASK)],
    example: { keys: SOME_TASK },
  },
  {
    method: "delete",
    path: "/api/tasks/:id",
    part: "Tasks",
    summary: "Asks a task to stop",
    keys: TASK_KEY,
    answers: [{ ...STARTS_TASK, description: "The task as it is then" }],
    problems: [409],
    example: { keys: SOME_TASK },
  },
  {
    method: "get",
    path: "/api/tasks/events",
    part: "Tasks",
    summary: "Tasks as they change, as server-sent events",
    details: "Each event is called task; its data is a task.",
    headers: LAST_EVENT,
    answers: [{ status: 200, description: "A stream that does not end", contentType: EVENTS }],
  },
  {
    method: "get",
    path: "/api/tasks/:id/events",
    part: "Tasks",
    summary: "One task as it changes, until it ends",
    keys: TASK_KEY,
    headers: LAST_EVENT,
    answers: [
      { status: 200, description: "A stream that ends with the task", contentType: EVENTS },
      { status: 204, description: "Its end was seen already: do not come again" },
    ],
    example: { keys: SOME_TASK },
  },
];

const CARE: readonly RouteDescription[] = [
  {
    method: "post",
    path: "/api/dedupe",
    part: "Library",
    summary: "Looks for identical files",
    details: "Nothing is changed unless delete says so; then further copies go to the trash.",
    body: DEDUPE_REQUEST,
    answers: [STARTS_TASK],
    problems: [409, 503],
    example: { body: { delete: false } },
  },
  {
    method: "post",
    path: "/api/check",
    part: "Library",
    summary: "Compares files, rows and hashes",
    body: CHECK_REQUEST,
    isBodyOptional: true,
    answers: [STARTS_TASK],
    problems: [409, 503],
    example: { body: { hashes: false } },
  },
  {
    method: "get",
    path: "/api/check/kinds",
    part: "Library",
    summary: "What a check can find, and what can be repaired",
    answers: [answers200("Every kind", CHECK_KIND_LIST)],
  },
  {
    method: "post",
    path: "/api/rebuild",
    part: "Library",
    summary: "Derives anew what follows from metadata and edits",
    answers: [STARTS_TASK],
    problems: [409, 503],
  },
  {
    method: "get",
    path: "/api/backups",
    part: "Library",
    summary: "Copies of the database",
    answers: [answers200("The newest first", BACKUPS)],
    problems: [503],
  },
  {
    method: "post",
    path: "/api/backup",
    part: "Library",
    summary: "Copies the database, reads the copy back, and removes the oldest copies",
    body: BACKUP_REQUEST,
    isBodyOptional: true,
    answers: [STARTS_TASK],
    problems: [409, 503],
    example: { body: { keep: 7 } },
  },
  {
    method: "get",
    path: "/api/watch",
    part: "Library",
    summary: "How the watched folders stand",
    answers: [answers200("Every folder", WATCH)],
  },
  {
    method: "post",
    path: "/api/watch/scan",
    part: "Library",
    summary: "Looks through all watched folders now",
    answers: [STARTS_TASK],
    problems: [409, 503],
  },
  {
    method: "post",
    path: "/api/watch/:root/confirm",
    part: "Library",
    summary: "Says that the files that a folder misses are gone for good",
    keys: WATCH_ROOT,
    answers: [STARTS_TASK],
    problems: [400, 409, 503],
    example: { keys: { root: "pictures" } },
  },
  {
    method: "post",
    path: "/api/cache/reload",
    part: "Library",
    summary: "Loads everything anew",
    answers: [STARTS_TASK],
    problems: [409, 503],
  },
];

/** The trash, background tasks, and what keeps a library sound. */
export const LIBRARY_ROUTES: readonly RouteDescription[] = [...TRASH, ...TASK_ROUTES, ...CARE];
