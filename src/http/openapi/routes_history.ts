import { HISTORY_LIST, LIBRARY_HISTORY_LIST } from "../history_params.ts";
import { NUMBER_KEY } from "../params.ts";
import { answers200, STARTS_TASK } from "./answers.ts";
import type { RouteDescription } from "./route.ts";
import { HISTORY, LIBRARY_HISTORY, OPERATION, OPERATION_PAGE, UNDONE } from "./schemas_tags.ts";

/** What was edited, and how it is taken back. */
export const HISTORY_ROUTES: readonly RouteDescription[] = [
  {
    method: "get",
    path: "/api/history",
    part: "History",
    summary: "Every edit",
    query: LIBRARY_HISTORY_LIST,
    answers: [answers200("The newest first", LIBRARY_HISTORY)],
    example: { query: { grouped: "true" } },
  },
  {
    method: "get",
    path: "/api/images/:id/history",
    part: "History",
    summary: "The edits of one image, also of one that was deleted",
    keys: NUMBER_KEY,
    query: HISTORY_LIST,
    answers: [answers200("The newest first", HISTORY)],
    problems: [503],
  },
  {
    method: "post",
    path: "/api/history/:id/undo",
    part: "History",
    summary: "Takes an edit back, where it is still so",
    keys: NUMBER_KEY,
    answers: [answers200("What changed, and what stays", UNDONE)],
    problems: [409, 503],
  },
  {
    method: "get",
    path: "/api/operations",
    part: "History",
    summary: "Operations on many images",
    details: "They are listed from the newest on: b<id> goes on.",
    query: HISTORY_LIST,
    answers: [answers200("The newest first", OPERATION_PAGE)],
  },
  {
    method: "get",
    path: "/api/operations/:id",
    part: "History",
    summary: "One operation",
    keys: NUMBER_KEY,
    answers: [answers200("The operation", OPERATION)],
  },
  {
    method: "post",
    path: "/api/operations/:id/undo",
    part: "History",
    summary: "Takes an operation back",
    keys: NUMBER_KEY,
    answers: [answers200("It was little: the operation that the undo is", OPERATION), STARTS_TASK],
    problems: [409, 503],
  },
  {
    method: "post",
    path: "/api/operations/:id/continue",
    part: "History",
    summary: "Goes on with an operation that was interrupted",
    keys: NUMBER_KEY,
    answers: [STARTS_TASK],
    problems: [409, 503],
  },
];
