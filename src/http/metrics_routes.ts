import { Hono } from "hono";
import { readCacheStats } from "../library/cache_stats.ts";
import { TASK_STATES } from "../library/tasks.ts";
import { countTrash } from "../store/database_health.ts";
import { readMemory } from "../system/memory.ts";
import { type MetricFamily, METRICS_TYPE, type MetricSample, writeMetrics } from "./prometheus.ts";
import { DURATION_BUCKETS_S, type GroupFigures, type RequestMetrics } from "./request_metrics.ts";
import type { ServerState } from "./server_state.ts";

/**
 * `/metrics`: figures of the running server for Prometheus. Names of files, tags and searches are in none
 * of them, and there are a few hundred at most, however large the library is.
 */
export function buildMetricsRoutes(state: ServerState, requests: RequestMetrics): Hono {
  const routes = new Hono();
  routes.get("/", (context) => {
    const families = [
      ...describeRequests(requests.figures()),
      ...describeLibrary(state),
      ...describeCaches(state),
      ...describeTasks(state),
      ...describeProcess(state),
    ];
    return context.body(writeMetrics(families), 200, {
      "content-type": METRICS_TYPE,
      "cache-control": "no-store",
    });
  });
  return routes;
}

function gauge(name: string, help: string, value: number | null): MetricFamily {
  return { name: `chibibooru_${name}`, help, type: "gauge", samples: [{ value }] };
}

function describeRequests(figures: readonly GroupFigures[]): MetricFamily[] {
  return [
    {
      name: "chibibooru_http_requests_total",
      help: "Requests that were answered, by group of paths and status.",
      type: "counter",
      samples: figures.flatMap(({ group, byStatus }) =>
        [...byStatus].map(([status, value]) => ({ labels: { group, status: `${status}` }, value }))
      ),
    },
    {
      name: "chibibooru_http_request_duration_seconds",
      help: "Time until the answer was ready; streams go on after that.",
      type: "histogram",
      samples: figures.flatMap(toHistogram),
    },
  ];
}

function toHistogram({ group, buckets, count, sumSeconds }: GroupFigures): MetricSample[] {
  let below = 0;
  const ends = [...DURATION_BUCKETS_S.map(String), "+Inf"];
  return [
    ...ends.map((le, i): MetricSample => {
      below += buckets[i];
      return { labels: { group, le }, value: below, suffix: "_bucket" };
    }),
    { labels: { group }, value: sumSeconds, suffix: "_sum" },
    { labels: { group }, value: count, suffix: "_count" },
  ];
}

function describeLibrary(state: ServerState): MetricFamily[] {
  const { core } = state.library;
  const snapshot = core.cache.current;
  const loadMs = state.loadMs();
  return [
    {
      name: "chibibooru_info",
      help: "Version of the program.",
      type: "gauge",
      samples: [{ labels: { version: state.version }, value: 1 }],
    },
    gauge("images", "Images that are served.", snapshot.length),
    gauge("tags", "Tags that images have.", snapshot.usedTagCount),
    gauge("tag_links", "Tags of all images together.", snapshot.tagLinkCount),
    gauge("post_ids", "Numbers of posts at other sites.", snapshot.postIdCount),
    gauge("generation", "Number of the snapshot that is served.", snapshot.generation),
    gauge("loading", "1 while everything is loaded anew.", core.cache.isLoading() ? 1 : 0),
    gauge(
      "load_seconds",
      "How long the newest full load took.",
      loadMs === null ? null : loadMs / 1_000,
    ),
    gauge("trash_entries", "Entries of the trash.", countTrash(core.reader)),
  ];
}

function describeCaches(state: ServerState): MetricFamily[] {
  const caches = Object.entries(readCacheStats(state.library));
  const family = (
    name: string,
    type: MetricFamily["type"],
    options: { help: string; read: (stats: typeof caches[number][1]) => number },
  ): MetricFamily => ({
    name: `chibibooru_cache_${name}`,
    help: options.help,
    type,
    samples: caches.map(([cache, stats]) => ({ labels: { cache }, value: options.read(stats) })),
  });
  return [
    family("hits_total", "counter", { help: "Answers from a cache.", read: ({ hits }) => hits }),
    family("misses_total", "counter", {
      help: "Answers that had to be made.",
      read: ({ misses }) => misses,
    }),
    family("entries", "gauge", { help: "Entries of a cache.", read: ({ size }) => size }),
  ];
}

function describeTasks(state: ServerState): MetricFamily[] {
  const { tasks, writer, hasher, media } = state.library;
  const counts = new Map<string, number>(TASK_STATES.map((name) => [name, 0]));
  for (const task of tasks.list()) counts.set(task.state, counts.get(task.state)! + 1);
  const workers = { writer, hasher, media };
  return [
    {
      name: "chibibooru_tasks",
      help: "Remembered background tasks by state.",
      type: "gauge",
      samples: [...counts].map(([name, value]) => ({ labels: { state: name }, value })),
    },
    {
      name: "chibibooru_worker_calls_pending",
      help: "Calls that wait for a worker, by kind of worker.",
      type: "gauge",
      samples: Object.entries(workers).map(([worker, { pendingCount }]) => ({
        labels: { worker },
        value: pendingCount,
      })),
    },
  ];
}

function describeProcess(state: ServerState): MetricFamily[] {
  const memory = readMemory();
  const stalls = state.stalls.figures;
  return [
    gauge("stall_p99_seconds", "How late 1% of timers were, last minute.", stalls.p99Ms / 1_000),
    gauge("stall_max_seconds", "How late the latest timer was, last minute.", stalls.maxMs / 1_000),
    {
      name: "process_resident_memory_bytes",
      help: "Resident memory size in bytes.",
      type: "gauge",
      samples: [{ value: memory.rssBytes }],
    },
    gauge("heap_used_bytes", "Objects of the main isolate.", memory.heapUsedBytes),
    gauge("heap_total_bytes", "Reserved for objects of the main isolate.", memory.heapTotalBytes),
    gauge("external_bytes", "Buffers that the main isolate holds.", memory.externalBytes),
    gauge("memory_available_bytes", "What programs can still have.", memory.availableBytes),
    gauge("memory_total_bytes", "What the machine or container has.", memory.totalBytes),
    {
      name: "process_start_time_seconds",
      help: "Start time of the process since unix epoch in seconds.",
      type: "gauge",
      samples: [{ value: performance.timeOrigin / 1_000 }],
    },
  ];
}
