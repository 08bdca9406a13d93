import { Hono } from "hono";
import { AppError } from "../../base/errors.ts";
import type { TagId } from "../../base/ids.ts";
import { QuerySyntaxError } from "../../base/query_syntax_error.ts";
import type { ImageSnapshot } from "../../cache/image_snapshot.ts";
import { completeWildcard } from "../../query/complete_wildcard.ts";
import { completeWord } from "../../query/complete_word.ts";
import { parseQuery } from "../../query/parser.ts";
import { search } from "../../query/search.ts";
import { check, COMPLETION } from "../params.ts";
import type { ServerState } from "../server_state.ts";

/** `GET /tags/autocomplete`. */
export function buildAutocompleteRoutes(state: ServerState): Hono {
  const routes = new Hono();
  routes.get("/autocomplete", async (context) => {
    const startedAt = performance.now();
    const snapshot = state.library.core.cache.current;
    const { q, context: rest, limit } = check(COMPLETION, context.req.query());
    const countWithTag = await counterWithin(snapshot, rest);
    const completions = q.includes("*")
      ? await completeWildcard(snapshot, q)
      : completeWord(snapshot, { word: q, limit, countWithTag });
    return context.json({ query: q, completions, tookMs: performance.now() - startedAt });
  });
  return routes;
}

/**
 * Counts within the rest of a search; null without one, while it does not parse (half of it may still be
 * typed), and when it takes too long: completion goes without.
 */
async function counterWithin(
  snapshot: ImageSnapshot,
  rest: string,
): Promise<((tagId: TagId) => number) | null> {
  if (rest.trim() === "") return null;
  try {
    // Nobody sees the images, so their order and number do not matter.
    const result = await search(snapshot, { ...parseQuery(rest), order: null, limit: null });
    return (tagId) => result.countWithTag(tagId);
  } catch (error) {
    if (error instanceof QuerySyntaxError) return null;
    if (error instanceof AppError && error.code === "timeout") return null;
    throw error;
  }
}
