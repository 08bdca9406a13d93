import { Hono } from "hono";
import * as z from "zod";
import { SOURCE_PRIORITY_NAMES_MAX } from "../../base/limits.ts";
import {
  checkSourcePriority,
  findImageSources,
  getSourcePriority,
  setSourcePriority,
  switchActiveSource,
} from "../../library/switch_source.ts";
import { apiHandler } from "../middleware.ts";
import { check, readId, readJson } from "../params.ts";
import { answerTask } from "../responses.ts";
import { requireImage, type ServerState } from "../server_state.ts";

const SOURCE = z.string().min(1).max(64);

/** Body of `PUT /api/images/:id/source`. */
export const SOURCE_SWITCH = z.strictObject({
  source: SOURCE.nullable().describe(
    "A source of the image, merged for all of them, or null for what the order of sources says",
  ),
});

/** Body of `PUT /api/sources/priority`. */
export const SOURCE_PRIORITY = z.strictObject({
  priority: z.array(SOURCE).max(SOURCE_PRIORITY_NAMES_MAX).describe(
    "Names of sources, the most trusted first; merged stands for all sites of an image together. " +
      "Empty for the usual order",
  ),
});

/** `GET` and `PUT /images/:id/source`. */
export function buildImageSourceRoutes(state: ServerState): Hono {
  const { library } = state;
  const routes = new Hono();
  const describe = (id: number) => {
    const image = requireImage(state, id);
    const { active, choice, names } = findImageSources(library, id)!;
    return { ...image, activeSource: active, chosenSource: choice, sources: names };
  };
  routes.get("/:id/source", apiHandler((context) => describe(readId(context))));
  routes.put(
    "/:id/source",
    apiHandler(async (context) => {
      const { id } = requireImage(state, readId(context));
      const { source } = check(SOURCE_SWITCH, await readJson(context));
      const { added, removed } = await switchActiveSource(library, id, source);
      return { ...describe(id), added, removed };
    }),
  );
  return routes;
}

/** `GET` and `PUT /sources/priority`. */
export function buildSourcePriorityRoutes(state: ServerState): Hono {
  const { library } = state;
  const routes = new Hono();
  routes.get("/priority", apiHandler(() => ({ priority: getSourcePriority(library) })));
  routes.put(
    "/priority",
    apiHandler(async (context) => {
      const { priority } = check(SOURCE_PRIORITY, await readJson(context));
      checkSourcePriority(priority);
      const task = library.tasks.start(
        "source_priority",
        ({ signal, report }) =>
          setSourcePriority(library, priority, {
            signal,
            onProgress: (done, total) => report({ done, total, message: "Looking at images" }),
          }),
      );
      return answerTask(context, task);
    }),
  );
  return routes;
}
