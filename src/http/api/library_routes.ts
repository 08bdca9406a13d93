import { Hono } from "hono";
import { readCacheStats } from "../../library/cache_stats.ts";
import { Hardware } from "../../library/hardware.ts";
import { listTags } from "../../query/tag_list.ts";
import { readMemory } from "../../system/memory.ts";
import { apiHandler } from "../middleware.ts";
import { check, TAG_LIST } from "../params.ts";
import type { ServerState } from "../server_state.ts";

/** `/status`, `/gpu`, `/tags`. */
export function buildLibraryRoutes(state: ServerState): Hono {
  const { library } = state;
  const routes = new Hono();
  const hardware = new Hardware();
  routes.get("/status", apiHandler(() => toStatus(state, hardware)));
  routes.post("/gpu", apiHandler(() => hardware.findGpu()));
  routes.get("/tags", (context) => {
    const wanted = check(TAG_LIST, context.req.query());
    return context.json({ tags: listTags(library.core.cache.current, wanted) });
  });
  return routes;
}

async function toStatus(state: ServerState, hardware: Hardware) {
  const { library, stalls } = state;
  const snapshot = library.core.cache.current;
  const { rssBytes, heapUsedBytes, externalBytes, availableBytes, totalBytes } = readMemory();
  return {
    version: state.version,
    generation: snapshot.generation,
    loading: library.core.cache.isLoading(),
    progress: state.progress(),
    images: snapshot.length,
    tags: snapshot.usedTagCount,
    tagLinks: snapshot.tagLinkCount,
    postIds: snapshot.postIdCount,
    loadMs: state.loadMs(),
    loadedFrom: state.loadedFrom(),
    // Films have pictures and are looked into by it; without it their containers are read.
    video: { ffmpeg: await state.ffmpegVersion },
    memory: { rssBytes, heapUsedBytes, externalBytes, availableBytes, totalBytes },
    // Drivers are loaded only when somebody asks: see POST /api/gpu.
    gpu: hardware.knownGpu,
    caches: readCacheStats(library),
    stalls: stalls.figures,
  };
}
