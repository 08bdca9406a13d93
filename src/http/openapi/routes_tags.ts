import * as z from "zod";
import { ALIAS_APPROVAL, ALIAS_LIST, ALIAS_PREVIEW, NEW_ALIAS } from "../api/aliases_routes.ts";
import {
  IMPLICATION_LIST,
  IMPLICATION_PREVIEW,
  NEW_IMPLICATION,
} from "../api/implications_routes.ts";
import { TAG_IMPORT } from "../api/tag_import_routes.ts";
import { BULK_EDIT } from "../history_params.ts";
import { COMPLETION, TAG_LIST } from "../params.ts";
import { answers200, STARTS_TASK } from "./answers.ts";
import type { Answer, RouteDescription } from "./route.ts";
import {
  ALIAS_CHANGE,
  ALIAS_EFFECT,
  ALIAS_PAGE,
  BULK_EDIT_RESULT,
  COMPLETIONS,
  IMPLICATION_CHANGE,
  IMPLICATION_EFFECT,
  IMPLICATION_PAGE,
  TAG_COUNTS,
} from "./schemas_tags.ts";

const IMPLICATION_KEY = z.object({
  id: z.string().regex(/^[1-9]\d{0,9}-[1-9]\d{0,9}$/).describe("The ids of its two tags: 12-34"),
});
const ALIAS_KEY = z.object({ antecedent: z.string().describe("The other name") });

const IMPLICATION_FOLLOWS: Answer = {
  status: 202,
  description: "It holds, and a task brings it to images",
  schema: IMPLICATION_CHANGE,
};
const ALIAS_FOLLOWS: Answer = {
  status: 202,
  description: "It holds, and a task moves images",
  schema: ALIAS_CHANGE,
};

const TAG_LISTS: readonly RouteDescription[] = [
  {
    method: "get",
    path: "/api/tags",
    part: "Tags",
    summary: "The most used tags whose names begin with a text",
    query: TAG_LIST,
    answers: [answers200("The most used first", TAG_COUNTS)],
    example: { query: { prefix: "blue_" } },
  },
  {
    method: "get",
    path: "/api/tags/autocomplete",
    part: "Tags",
    summary: "Completes a word of a search",
    query: COMPLETION,
    answers: [answers200("The likeliest first", COMPLETIONS)],
    problems: [503],
    example: { query: { q: "blue_h", context: "solo" } },
  },
  {
    method: "post",
    path: "/api/tags/bulk",
    part: "Tags",
    summary: "Adds and removes tags of all images of a search",
    details:
      "It is one operation, which can be undone. With dryRun it only tells what it would do.",
    body: BULK_EDIT,
    answers: [answers200("With dryRun: what would change", BULK_EDIT_RESULT), STARTS_TASK],
    problems: [409, 503],
    example: { body: { query: "solo -hat", add: ["no_hat"], dryRun: true } },
  },
  {
    method: "post",
    path: "/api/tags/import",
    part: "Tags",
    summary: "Imports a list of tags with categories and aliases",
    details: "The body is the list: name, category number, count, aliases in each row.",
    query: TAG_IMPORT,
    bodyTypes: ["text/csv", "application/gzip"],
    answers: [STARTS_TASK],
    problems: [409, 503],
    example: { query: { numbering: "danbooru", dryRun: "true" } },
  },
];

const IMPLICATIONS: readonly RouteDescription[] = [
  {
    method: "get",
    path: "/api/implications",
    part: "Implications",
    summary: "Tags that imply others",
    query: IMPLICATION_LIST,
    answers: [answers200("The newest first", IMPLICATION_PAGE)],
    example: { query: { q: "cat*" } },
  },
  {
    method: "get",
    path: "/api/implications/preview",
    part: "Implications",
    summary: "What an implication would do",
    query: IMPLICATION_PREVIEW,
    answers: [answers200("What images would get, and what stands against it", IMPLICATION_EFFECT)],
    problems: [503],
    example: { query: { source: "cat_ears", implied: "animal_ears" } },
  },
  {
    method: "post",
    path: "/api/implications",
    part: "Implications",
    summary: "Adds an implication",
    body: NEW_IMPLICATION,
    answers: [
      { status: 201, description: "No image need follow", schema: IMPLICATION_CHANGE },
      IMPLICATION_FOLLOWS,
    ],
    problems: [409, 503],
    example: { body: { source: "cat_ears", implied: "animal_ears" } },
  },
  {
    method: "post",
    path: "/api/implications/:id/approve",
    part: "Implications",
    summary: "Lets a pending implication hold",
    keys: IMPLICATION_KEY,
    answers: [IMPLICATION_FOLLOWS],
    problems: [409, 503],
    example: { keys: { id: "12-34" } },
  },
  {
    method: "delete",
    path: "/api/implications/:id",
    part: "Implications",
    summary: "Takes an implication back, and the tags that only it gave",
    keys: IMPLICATION_KEY,
    answers: [
      answers200("No image need follow", IMPLICATION_CHANGE),
      { ...IMPLICATION_FOLLOWS, description: "A task takes the tags from images" },
    ],
    problems: [503],
    example: { keys: { id: "12-34" } },
  },
];

const ALIASES: readonly RouteDescription[] = [
  {
    method: "get",
    path: "/api/aliases",
    part: "Aliases",
    summary: "Other names of tags",
    query: ALIAS_LIST,
    answers: [answers200("By name", ALIAS_PAGE)],
    problems: [503],
    example: { query: { q: "kitty*" } },
  },
  {
    method: "get",
    path: "/api/aliases/preview",
    part: "Aliases",
    summary: "What an alias would do",
    query: ALIAS_PREVIEW,
    answers: [answers200("What would move, and what stands against it", ALIAS_EFFECT)],
    example: { query: { antecedent: "kitty", consequent: "cat" } },
  },
  {
    method: "post",
    path: "/api/aliases",
    part: "Aliases",
    summary: "Adds an alias",
    body: NEW_ALIAS,
    answers: [
      { status: 201, description: "No image need move", schema: ALIAS_CHANGE },
      ALIAS_FOLLOWS,
    ],
    problems: [409, 503],
    example: { body: { antecedent: "kitty", consequent: "cat" } },
  },
  {
    method: "post",
    path: "/api/aliases/:antecedent/approve",
    part: "Aliases",
    summary: "Lets a pending alias hold",
    keys: ALIAS_KEY,
    query: ALIAS_APPROVAL,
    answers: [answers200("No image need move", ALIAS_CHANGE), ALIAS_FOLLOWS],
    problems: [409, 503],
    example: { keys: { antecedent: "kitty" } },
  },
  {
    method: "delete",
    path: "/api/aliases/:antecedent",
    part: "Aliases",
    summary: "Removes an alias; images that were moved stay moved",
    keys: ALIAS_KEY,
    answers: [answers200("The alias as it was", ALIAS_CHANGE.omit({ task: true }))],
    problems: [503],
    example: { keys: { antecedent: "kitty" } },
  },
];

/** Tags, their lists, and the rules between them. */
export const TAG_ROUTES: readonly RouteDescription[] = [...TAG_LISTS, ...IMPLICATIONS, ...ALIASES];
