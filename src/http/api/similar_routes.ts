import { Hono } from "hono";
import { check, readId, SIMILAR_LIST } from "../params.ts";
import { requireImage, type ServerState } from "../server_state.ts";

/** `GET /images/:id/similar`. */
export function buildSimilarRoutes(state: ServerState): Hono {
  const { library } = state;
  const routes = new Hono();
  routes.get("/:id/similar", async (context) => {
    const startedAt = performance.now();
    const snapshot = library.core.cache.current;
    const { id } = requireImage(state, readId(context));
    const { limit } = check(SIMILAR_LIST, context.req.query());
    const images = await library.similar.find(snapshot, id, limit);
    return context.json({ id, images, tookMs: performance.now() - startedAt });
  });
  return routes;
}
