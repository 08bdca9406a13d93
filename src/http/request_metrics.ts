/** Upper ends of the classes of durations, in seconds. */
export const DURATION_BUCKETS_S: readonly number[] = [
  0.001,
  0.0025,
  0.005,
  0.01,
  0.025,
  0.05,
  0.1,
  0.25,
  0.5,
  1,
  2.5,
];

/** Requests of one group: how many by status, and how long they took. */
export type GroupFigures = {
  group: string;
  byStatus: ReadonlyMap<number, number>;
  /** Requests by class of duration; the last class has no upper end. */
  buckets: readonly number[];
  count: number;
  sumSeconds: number;
};

/** Second parts of the API's paths that are counted by their name; all others together. */
const API_GROUPS = new Set([
  ...["images", "tags", "tasks", "status", "trash", "cache", "dedupe", "history", "backup"],
  ...["check", "watch", "implications", "aliases", "docs", "gpu"],
]);
/** First parts of other paths. */
const GROUPS = new Set(["files", "thumbnails", "assets", "posts", "metrics"]);

/** The group of a path: a few dozen in all, whatever is asked for. */
export function groupOf(path: string): string {
  const first = partOf(path, 1);
  if (first === "api") {
    const second = partOf(path, 5);
    return API_GROUPS.has(second) ? `api_${second}` : "api_other";
  }
  if (first === "healthz" || first === "readyz") return "health";
  if (first !== "files" && first !== "thumbnails" && /\.(json|xml)\/?$/i.test(path)) {
    return "danbooru";
  }
  return GROUPS.has(first) ? first : "pages";
}

/** What stands between a place and the next slash. */
function partOf(path: string, from: number): string {
  const end = path.indexOf("/", from);
  return end < 0 ? path.slice(from) : path.slice(from, end);
}

class Group {
  readonly byStatus = new Map<number, number>();
  readonly buckets: number[] = new Array(DURATION_BUCKETS_S.length + 1).fill(0);
  count = 0;
  sumSeconds = 0;
}

/** Counts requests since the start by group and status. Cost of one: a fraction of a microsecond. */
export class RequestMetrics {
  readonly #groups = new Map<string, Group>();

  /** Counts a request that was answered. */
  record(path: string, status: number, seconds: number): void {
    const name = groupOf(path);
    let group = this.#groups.get(name);
    if (group === undefined) this.#groups.set(name, group = new Group());
    group.byStatus.set(status, (group.byStatus.get(status) ?? 0) + 1);
    let bucket = 0;
    while (bucket < DURATION_BUCKETS_S.length && seconds > DURATION_BUCKETS_S[bucket]) bucket++;
    group.buckets[bucket]++;
    group.count++;
    group.sumSeconds += seconds;
  }

  /** All groups that were asked for, by name. */
  figures(): GroupFigures[] {
    const names = [...this.#groups.keys()].sort();
    return names.map((group) => ({ group, ...this.#groups.get(group)! }));
  }
}
