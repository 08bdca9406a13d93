import * as z from "zod";
import type { ErrorCode } from "../../base/errors.ts";
import type { SearchPage } from "../../library/browse.ts";
import type { ImageView } from "../../library/image_view.ts";
import type { SimilarView } from "../../library/similar_images.ts";
import { type Task, TASK_STATES } from "../../library/tasks.ts";
import { TAG_CATEGORIES } from "../../tags/category.ts";
import { type Problem, STATUS } from "../responses.ts";

/*
 * What the JSON API answers. The compiler compares these schemas with the types of the program, and tests
 * check real answers against them; while the server runs they check nothing.
 */

/** Schemas that the document of the API names, and refers to wherever they occur. */
export const COMPONENTS: z.core.$ZodRegistry<{ id: string }> = z.registry<{ id: string }>();

/** Gives a schema its name in the document. */
export function named<Schema extends z.ZodType>(id: string, schema: Schema): Schema {
  COMPONENTS.add(schema, { id });
  return schema;
}

type Same<A, B> = [A] extends [B] ? [B] extends [A] ? unknown : never : never;

/** `saying<Task>()(schema)` is the schema, and compiles only if what it lets pass is a `Task` and no more. */
export function saying<Type>() {
  return <Schema extends z.ZodType>(schema: Schema & Same<z.output<Schema>, Type>): Schema =>
    schema;
}

/** A number of things. */
export const COUNT = z.int().min(0);
/** Number of an image, an edit, an entry of the trash. */
export const NUMBER_ID = z.int().min(1);
/** A text, or null where there is none. */
export const TEXT_OR_NULL = z.string().nullable();
/** Names of tags. */
export const NAMES = z.array(z.string());
/** The page parameter of the next page. */
export const NEXT = TEXT_OR_NULL.describe("The page parameter of the next page; null on the last");
/** How long the server took. */
export const TOOK_MS = z.number().min(0).describe("How long it took, in milliseconds");
/** A moment. */
export const MOMENT = z.string().describe("ISO 8601, UTC");

/** A failure. */
export const PROBLEM = named(
  "Problem",
  saying<Problem>()(z.strictObject({
    type: z.literal("about:blank"),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string().describe("What is wrong, for people"),
    code: z.enum(Object.keys(STATUS) as [ErrorCode, ...ErrorCode[]])
      .describe("What is wrong, for programs"),
    remedy: z.string().optional().describe("What to do about it"),
    offset: COUNT.optional().describe("Where the fault is in the query, or in the JSON"),
    suggestion: TEXT_OR_NULL.optional().describe("Of query_syntax: a query that would parse"),
  })),
);

/** An image as lists give it. */
export const IMAGE = named(
  "Image",
  saying<ImageView>()(z.strictObject({
    id: NUMBER_ID,
    filepath: z.string().describe("Place in the library; @<root>/… in a folder indexed in place"),
    md5: z.string(),
    width: COUNT.nullable().describe("Pixels; null: nobody measured"),
    height: COUNT.nullable(),
    rating: z.enum(["general", "sensitive", "questionable", "explicit"]).nullable(),
    score: z.int().nullable(),
    tags: z.partialRecord(z.enum(TAG_CATEGORIES), NAMES)
      .describe("Category → names, sorted; categories without a tag are left out"),
    urls: z.strictObject({ file: z.string(), thumbnail: z.string(), page: z.string() }),
  })),
);

/** An image with all that is known of it. */
export const IMAGE_WITH_FACTS = named(
  "ImageWithFacts",
  IMAGE.extend({
    file: z.strictObject({
      ext: TEXT_OR_NULL,
      sizeBytes: COUNT.nullable(),
      durationMs: COUNT.nullable(),
      frameRate: z.number().nullable(),
      videoCodec: TEXT_OR_NULL,
      hasAudio: z.boolean().nullable(),
      places: z.array(z.string()).describe("Every place of this content"),
      missingSince: MOMENT.nullable()
        .describe("Since when the file has been gone from its folder; null: it is there"),
    }).nullable(),
    source: TEXT_OR_NULL.describe("Address that the picture is from"),
    postedAt: TEXT_OR_NULL,
    ingestedAt: TEXT_OR_NULL,
    sources: z.array(z.string()).describe("Sites whose metadata is stored"),
  }),
);

/** One page of a search. */
export const SEARCH_PAGE = saying<SearchPage>()(z.strictObject({
  query: z.string(),
  total: COUNT.describe("Images that match, exactly"),
  tookMs: TOOK_MS,
  images: z.array(IMAGE),
  limit: COUNT,
  next: NEXT,
  unknown: z.array(z.strictObject({ name: z.string(), suggestions: z.array(z.string()) }))
    .describe("Tags of the query that do not exist, with words that may be meant"),
}));

/** The most similar images of one. */
export const SIMILAR_IMAGES = z.strictObject({
  id: NUMBER_ID,
  images: z.array(
    saying<SimilarView>()(
      IMAGE.extend({ similarity: z.number().min(0).max(1) }),
    ),
  ),
  tookMs: TOOK_MS,
});

/** A background task. */
export const TASK = named(
  "Task",
  saying<Task>()(z.strictObject({
    id: z.string(),
    kind: z.string(),
    state: z.enum(TASK_STATES),
    progress: z.strictObject({
      done: z.number(),
      total: z.number().nullable().describe("Null while nobody knows"),
      message: z.string(),
    }).nullable(),
    startedAt: MOMENT,
    endedAt: MOMENT.nullable().describe("Null while it runs"),
    result: z.unknown().describe("What a succeeded task answered, in a form of its kind"),
    error: z.strictObject({
      code: PROBLEM.shape.code,
      message: z.string(),
      remedy: z.string().optional(),
    }).nullable(),
    note: TEXT_OR_NULL.describe("What else is to be known: that a long result was cut"),
  })),
);
