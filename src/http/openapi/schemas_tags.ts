import * as z from "zod";
import type { AliasPreview } from "../../library/aliases.ts";
import type { BulkEditResult } from "../../library/bulk_edit.ts";
import type { HistoryEntry, OperationView } from "../../library/history.ts";
import type { ImplicationPreview } from "../../library/implications.ts";
import type { WordCompletion } from "../../query/complete_word.ts";
import type { CountedTag } from "../../query/tag_list.ts";
import type { Alias } from "../../store/aliases.ts";
import type { PostDifference } from "../../store/post_history.ts";
import type { UndoOutcome } from "../../store/undo.ts";
import { TAG_CATEGORIES } from "../../tags/category.ts";
import {
  COUNT,
  IMAGE,
  MOMENT,
  named,
  NAMES,
  NEXT,
  NUMBER_ID,
  saying,
  TASK,
  TEXT_OR_NULL,
  TOOK_MS,
} from "./schemas.ts";

/** Answer of `GET /api/tags`. */
export const TAG_COUNTS = z.strictObject({
  tags: z.array(
    saying<CountedTag>()(z.strictObject({
      id: NUMBER_ID,
      name: z.string(),
      category: TEXT_OR_NULL,
      count: COUNT.describe("Images that have the tag"),
    })),
  ),
});

/** Answer of `GET /api/tags/autocomplete`. */
export const COMPLETIONS = z.strictObject({
  query: z.string(),
  completions: z.array(
    saying<WordCompletion>()(z.strictObject({
      kind: z.enum(["tag", "wildcard", "metatag"]),
      name: z.string().describe("What is shown"),
      operators: z.string().describe("Operators in front of the word that stay"),
      value: z.string().describe("What takes the place of the word behind them"),
      category: TEXT_OR_NULL,
      count: COUNT.nullable().describe("Images that have the tag; null for a metatag"),
      countInContext: COUNT.nullable().describe("Results of the rest of the search that have it"),
      match: z.enum(["prefix", "word", "alias", "typo"]),
      antecedent: TEXT_OR_NULL.describe("The alias that was typed"),
      summary: TEXT_OR_NULL.describe("What a metatag says"),
      example: TEXT_OR_NULL,
    })),
  ),
  tookMs: TOOK_MS,
});

const IMPLIED = z.strictObject({ added: NAMES, removed: NAMES });
const SKIPPED = z.strictObject({
  count: COUNT,
  images: z.array(z.strictObject({ imageId: NUMBER_ID, why: z.enum(["trashed", "gone"]) }))
    .describe("The first of them"),
});

/** What an edit of all images of a search comes to. */
export const BULK_EDIT_RESULT = named(
  "BulkEditResult",
  saying<BulkEditResult>()(z.strictObject({
    query: z.string(),
    dryRun: z.boolean(),
    matched: COUNT.describe("Images that the search finds"),
    changed: COUNT.describe("Those whose tags change"),
    tags: z.array(z.strictObject({ name: z.string(), added: COUNT, removed: COUNT })),
    implied: IMPLIED.describe("What comes, and may go, by implications"),
    sample: z.array(IMAGE).describe("Some of the images that change"),
    operationId: NUMBER_ID.nullable().describe("The operation, to undo it; null in a dry run"),
    skipped: SKIPPED,
  })),
);

/** An implication. */
export const IMPLICATION = named(
  "Implication",
  z.strictObject({
    id: z.string().describe("The ids of its two tags: 12-34"),
    source: z.string(),
    implied: z.string(),
    status: z.string().describe("active, pending or removing"),
    inferenceType: z.string(),
    confidence: z.number(),
    createdAt: TEXT_OR_NULL,
  }),
);

/** Answer of `GET /api/implications`. */
export const IMPLICATION_PAGE = z.strictObject({
  total: COUNT,
  implications: z.array(IMPLICATION),
  limit: COUNT,
  next: NEXT,
});

/** Answer of `GET /api/implications/preview`. */
export const IMPLICATION_EFFECT = saying<
  Omit<ImplicationPreview, "known"> & { known: z.output<typeof IMPLICATION> | null }
>()(z.strictObject({
  source: z.string(),
  implied: z.string(),
  sourceImages: COUNT.describe("Images with the tag that implies"),
  chain: z.array(z.strictObject({
    name: z.string(),
    category: TEXT_OR_NULL,
    path: NAMES.describe("Names from the tag that implies to this one"),
    images: COUNT.describe("Images that would get it"),
  })),
  conflicts: z.array(z.string()).describe("Why it cannot be added; empty when it can"),
  notes: z.array(z.string()),
  known: IMPLICATION.nullable().describe("The same implication as it is stored now"),
}));

const RULE_TASK = TASK.nullable()
  .describe("Brings it to the images that there are; null when none need follow");

/** A changed implication, and the task that follows. */
export const IMPLICATION_CHANGE = z.strictObject({ implication: IMPLICATION, task: RULE_TASK });

/** An alias. */
export const ALIAS = named(
  "Alias",
  saying<Alias>()(z.strictObject({
    antecedent: z.string().describe("The other name"),
    consequent: z.string().describe("The tag that is meant"),
    status: z.string().describe("active: it holds; anything else does nothing"),
    createdAtMs: z.number().describe("Milliseconds since 1970"),
  })),
);

/** Answer of `GET /api/aliases`. */
export const ALIAS_PAGE = z.strictObject({
  total: COUNT,
  aliases: z.array(ALIAS),
  limit: COUNT,
  next: NEXT,
});

/** Answer of `GET /api/aliases/preview`. */
export const ALIAS_EFFECT = saying<AliasPreview>()(z.strictObject({
  antecedent: z.string(),
  consequent: z.string(),
  end: z.string().describe("The tag that is meant in the end"),
  images: COUNT.describe("Images with the tag that becomes an alias"),
  implications: z.array(
    z.strictObject({ source: z.string(), implied: z.string(), status: z.string() }),
  ).describe("Implications of that tag, which become those of the other"),
  conflicts: z.array(z.string()).describe("Why it cannot be added; empty when it can"),
  notes: z.array(z.string()),
  known: ALIAS.nullable(),
}));

/** A changed alias, and the task that follows. */
export const ALIAS_CHANGE = z.strictObject({ alias: ALIAS, task: RULE_TASK });

function difference<Value extends z.ZodType>(value: Value) {
  return z.strictObject({ before: value, after: value });
}

const OTHER_CHANGES = saying<PostDifference>()(z.strictObject({
  content: difference(z.string()).optional().describe("MD5s: the file was edited where it lies"),
  source: difference(z.string()).optional(),
  parent: difference(NUMBER_ID.nullable()).extend({
    site: difference(z.int().nullable()),
    replaced: z.array(
      z.strictObject({ imageId: z.int(), source: z.string(), createdAt: TEXT_OR_NULL }),
    ).optional(),
  }).optional(),
  pools: z.strictObject({
    joined: z.array(NUMBER_ID),
    left: z.array(NUMBER_ID),
    places: z.array(z.tuple([NUMBER_ID, z.number().nullable()])).optional(),
  }).optional(),
  isFavourite: difference(z.boolean()).extend({ since: TEXT_OR_NULL.optional() }).optional(),
  categories: z.array(difference(TEXT_OR_NULL).extend({ name: z.string() })).optional(),
}));

const HISTORY_ENTRY = named(
  "HistoryEntry",
  saying<HistoryEntry>()(z.strictObject({
    id: NUMBER_ID,
    kind: z.enum(["tag_edit", "post_edit", "bulk_edit", "pool_edit", "undo"]),
    imageId: NUMBER_ID,
    editor: z.string(),
    editedAt: MOMENT,
    added: NAMES,
    removed: NAMES,
    before: NAMES.nullable().describe(
      "Tags before; null for edits of a time when nobody wrote them",
    ),
    after: NAMES.nullable(),
    other: OTHER_CHANGES.nullable().describe("What else changed, each part before and after"),
    operationId: NUMBER_ID.nullable().describe("The operation that it is a part of"),
    undoes: NUMBER_ID.nullable().describe("The edit that it takes back"),
    isUndone: z.boolean(),
  })),
);

/** One page of the history. */
export const HISTORY = z.strictObject({ entries: z.array(HISTORY_ENTRY), next: NEXT });

/** An operation on many images. */
export const OPERATION = named(
  "Operation",
  saying<OperationView>()(z.strictObject({
    id: NUMBER_ID,
    kind: z.enum(["bulk_edit", "undo"]),
    state: z.enum(["running", "done", "interrupted", "stopped"]),
    startedAt: MOMENT,
    endedAt: MOMENT.nullable(),
    isUndone: z.boolean(),
    editor: z.string(),
    query: z.string().optional(),
    add: z.array(
      z.strictObject({ name: z.string(), category: z.enum(TAG_CATEGORIES).nullable() }),
    ).optional(),
    remove: NAMES.optional(),
    undoes: NUMBER_ID.optional().describe("The operation that it takes back"),
    total: COUNT.describe("Images in all"),
    done: COUNT.describe("Images that were looked at"),
    changed: COUNT.describe("Images that changed"),
    skipped: SKIPPED,
    kept: COUNT.optional().describe("Of an undo: images in which later changes stayed"),
    fault: z.string().optional().describe("Why it did not end"),
  })),
);

/** Answer of `GET /api/history`. */
export const LIBRARY_HISTORY = HISTORY.extend({
  operations: z.array(OPERATION).optional().describe("With grouped=true: those of the entries"),
});

/** Answer of `GET /api/operations`. */
export const OPERATION_PAGE = z.strictObject({ operations: z.array(OPERATION), next: NEXT });

/** What an undo did. */
export const UNDONE = saying<UndoOutcome>()(z.strictObject({
  editId: NUMBER_ID.describe("The edit that the undo is"),
  imageId: NUMBER_ID,
  added: NAMES,
  removed: NAMES,
  kept: z.array(z.string()).describe("What was changed since and stays, in words"),
}));
