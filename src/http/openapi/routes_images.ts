import { SOURCE_PRIORITY, SOURCE_SWITCH } from "../api/source_routes.ts";
import { NUMBER_KEY, SEARCH, SIMILAR_LIST, TAG_EDIT } from "../params.ts";
import * as z from "zod";
import { answers200, STARTS_TASK } from "./answers.ts";
import type { RouteDescription } from "./route.ts";
import { IMAGE_WITH_FACTS, SEARCH_PAGE, SIMILAR_IMAGES } from "./schemas.ts";
import { IMAGE_SOURCES, SOURCE_ORDER, SWITCHED_SOURCE, TRASHED } from "./schemas_library.ts";

const ETAG = { ETag: "Changes with the image" };
const EDITED_IMAGE = IMAGE_WITH_FACTS.extend({
  aliases: z.record(z.string(), z.string()).optional()
    .describe("Other names that were written as the tags themselves: the name given → the tag"),
});

/** Searches, single images, and the sites that speak for them. */
export const IMAGE_ROUTES: readonly RouteDescription[] = [
  {
    method: "get",
    path: "/api/images",
    part: "Images",
    summary: "Searches",
    details: "The language of searches is explained at /help/search.",
    query: SEARCH,
    answers: [answers200("One page of what was found, the newest first", SEARCH_PAGE)],
    problems: [503],
    example: { query: { q: "solo -hat order:score", limit: "10" } },
  },
  {
    method: "get",
    path: "/api/images/:id",
    part: "Images",
    summary: "One image with all that is known of it",
    keys: NUMBER_KEY,
    headers: { "If-None-Match": "An ETag: 304 if the image is still so" },
    answers: [
      { ...answers200("The image", IMAGE_WITH_FACTS), headers: ETAG },
      { status: 304, description: "It is as it was", headers: ETAG },
    ],
    problems: [503],
  },
  {
    method: "put",
    path: "/api/images/:id/tags",
    part: "Images",
    summary: "Adds and removes tags",
    details: "A new tag's category can stand before its name: artist:somebody.",
    keys: NUMBER_KEY,
    headers: { "If-Match": "An ETag: 412 if the image was changed meanwhile" },
    body: TAG_EDIT,
    answers: [{ ...answers200("The image as it is then", EDITED_IMAGE), headers: ETAG }],
    problems: [409, 412, 503],
    example: { body: { add: ["solo", "artist:somebody"], remove: ["hat"] } },
  },
  {
    method: "delete",
    path: "/api/images/:id",
    part: "Images",
    summary: "Moves an image to the trash",
    keys: NUMBER_KEY,
    answers: [answers200("The image and its entry of the trash", TRASHED)],
    problems: [400, 409, 503],
  },
  {
    method: "get",
    path: "/api/images/:id/similar",
    part: "Images",
    summary: "The most similar images, by their tags",
    keys: NUMBER_KEY,
    query: SIMILAR_LIST,
    answers: [answers200("The most similar first", SIMILAR_IMAGES)],
    problems: [503],
  },
  {
    method: "get",
    path: "/api/images/:id/source",
    part: "Images",
    summary: "Which site speaks for an image",
    keys: NUMBER_KEY,
    answers: [answers200("The image with its sources", IMAGE_SOURCES)],
    problems: [503],
  },
  {
    method: "put",
    path: "/api/images/:id/source",
    part: "Images",
    summary: "Lets a site speak for an image",
    details: "What a person added or removed stays.",
    keys: NUMBER_KEY,
    body: SOURCE_SWITCH,
    answers: [answers200("The image with its sources, and what changed", SWITCHED_SOURCE)],
    problems: [409, 503],
    example: { body: { source: "danbooru" } },
  },
  {
    method: "get",
    path: "/api/sources/priority",
    part: "Images",
    summary: "The order of sites",
    answers: [answers200("Names, the most trusted first", SOURCE_ORDER)],
  },
  {
    method: "put",
    path: "/api/sources/priority",
    part: "Images",
    summary: "Changes the order of sites, and the images that follow it",
    body: SOURCE_PRIORITY,
    answers: [STARTS_TASK],
    problems: [409, 503],
    example: { body: { priority: ["danbooru", "e621"] } },
  },
];
