import type { Hono } from "hono";
import type { ImageSnapshot } from "../../cache/image_snapshot.ts";
import { completeTags, type Completion } from "../../query/autocomplete.ts";
import { completeMetatags } from "../../query/complete_metatags.ts";
import { runSteps, type Steps } from "../../query/steps.ts";
import { answer, type DanbooruContext, type DanbooruEnv, snapshotOf } from "./context.ts";
import { nameMatcher } from "./matchers.ts";
import { readLimit } from "./params.ts";
import { orderedPools, toPoolName } from "./pools_routes.ts";
import type { Fields } from "./render.ts";
import { toCategoryNumber, toTag } from "./tag_view.ts";

const LIMIT_DEFAULT = 10;
const LIMIT_MAX = 100;

/** `/autocomplete`: what a typed text may become. */
export function addAutocompleteRoutes(app: Hono<DanbooruEnv>): void {
  app.get(
    "/autocomplete",
    async (context) => answer(context, await complete(context), { root: "autocompletes" }),
  );
}

async function complete(context: DanbooruContext): Promise<Fields[]> {
  const { params } = context.var;
  const text = params.text("search", "query") ?? "";
  const type = params.text("search", "type") ?? "tag_query";
  const limit = readLimit(params, { max: LIMIT_MAX }) ?? LIMIT_DEFAULT;
  const snapshot = snapshotOf(context);
  if (type === "pool") return await runSteps(completePools(snapshot, text, limit));
  if (type === "artist") return completeNames(snapshot, `artist:${text}`, limit);
  if (type === "tag") return completeNames(snapshot, text, limit);
  if (type !== "tag_query") return [];
  // Only the last word is being typed, and its operators are not part of a name.
  const word = (text.split(/[\s\u0085]+/u).at(-1) ?? "").replace(/^[-~(]+/, "");
  if (word === "") return [];
  const metatags = completeMetatags(word, limit)
    .filter(({ value }) => value.includes(":") && !value.endsWith(":"))
    .map(({ value }): Fields => ({
      type: "static",
      label: value.slice(value.indexOf(":") + 1),
      value,
    }));
  return [...metatags, ...completeNames(snapshot, word, limit)].slice(0, limit);
}

const TYPES: Record<Completion["match"], string> = {
  prefix: "tag-word",
  word: "tag-word",
  alias: "tag-alias",
  typo: "tag-autocorrect",
};

function completeNames(snapshot: ImageSnapshot, text: string, limit: number): Fields[] {
  return completeTags(snapshot, { text, limit }).map((completion) => {
    const { name, category, count, match, antecedent } = completion;
    const id = snapshot.tags.idOf(name) ?? 0;
    return {
      type: TYPES[match],
      label: name.replaceAll("_", " "),
      value: name,
      category: toCategoryNumber(category),
      post_count: count,
      // Without one the key is left out: clients take any as the alias that matched.
      ...(antecedent === null ? {} : { antecedent }),
      tag: toTag({ id, name, category, count }),
    };
  });
}

/** Pools looked at between two pauses. */
const CHUNK_POOLS = 1 << 9;

function* completePools(snapshot: ImageSnapshot, text: string, limit: number): Steps<Fields[]> {
  const matches = nameMatcher(`*${text}*`);
  const found: Fields[] = [];
  for (const [i, pool] of (yield* orderedPools(snapshot, "post_count")).entries()) {
    if (found.length === limit) break;
    if (i % CHUNK_POOLS === CHUNK_POOLS - 1) yield;
    const name = toPoolName(pool);
    if (!matches(name)) continue;
    found.push({
      type: "pool",
      label: pool.name.replaceAll("_", " "),
      value: name,
      id: pool.id,
      post_count: pool.imageIds.length,
      category: "series",
    });
  }
  return found;
}
