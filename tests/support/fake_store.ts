import { type CacheEventMap, CacheEvents } from "../../src/cache/cache_events.ts";
import { CacheManager } from "../../src/cache/cache_manager.ts";
import type { CachePorts, Changes, ImageReading, LoadedColumns } from "../../src/cache/ports.ts";
import {
  buildColumns,
  packTexts,
  type PlainImage,
  type PlainPool,
  type PlainTag,
  toPool,
  toState,
  toTagColumns,
} from "./plain_library.ts";

/** A full load that stops after it has read, before it answers. */
export type HeldLoad = {
  /** Resolves when the load has read the store. */
  hasRead: Promise<void>;
  /** Lets the load answer, or fail. */
  release: (error?: Error) => void;
};

/** What an entry of the log is about. */
type Subject = "image" | "tag" | "pool" | "aliases";

/** A database in memory behind the cache's ports; loads can be held and made to fail. */
export class FakeStore implements CachePorts {
  readonly images = new Map<number, PlainImage>();
  readonly tags = new Map<number, PlainTag>();
  readonly pools = new Map<number, PlainPool>();
  readonly aliases = new Map<string, string>();
  hasTables = true;
  /** Full loads that began to read. */
  loadCount = 0;
  /** Thrown by the next reading of the named port. */
  readonly faults = new Map<keyof CachePorts, Error>();
  /** Told by the next full load. */
  progress: { stage: "metadata" | "images" | "index"; done: number; total: number }[] = [];
  #log: { subject: Subject; id: number }[] | null;
  #trimmedTo = 0;
  readonly #held: { hasRead: () => void; released: Promise<Error | undefined> }[] = [];

  constructor(options: { hasLog: boolean }) {
    this.#log = options.hasLog ? [] : null;
  }

  /** Commits a new state of an image. */
  putImage(image: PlainImage): void {
    this.images.set(image.id, image);
    this.#log?.push({ subject: "image", id: image.id });
  }

  /** Commits a removal. */
  dropImage(id: number): void {
    this.images.delete(id);
    this.#log?.push({ subject: "image", id });
  }

  /** Commits a new state of a tag, or its removal. */
  putTag(id: number, tag: PlainTag | null): void {
    if (tag === null) this.tags.delete(id);
    else this.tags.set(id, tag);
    this.#log?.push({ subject: "tag", id });
  }

  /** Commits a new state of a pool, or its removal. */
  putPool(id: number, pool: PlainPool | null): void {
    if (pool === null) this.pools.delete(id);
    else this.pools.set(id, pool);
    this.#log?.push({ subject: "pool", id });
  }

  /** Commits an alias, or its removal. */
  putAlias(antecedent: string, consequent: string | null): void {
    if (consequent === null) this.aliases.delete(antecedent);
    else this.aliases.set(antecedent, consequent);
    this.#log?.push({ subject: "aliases", id: 0 });
  }

  /** Makes readers that are not up to date load in full. */
  trimLog(): void {
    this.#trimmedTo = this.#log!.length;
  }

  /** Holds the next full load that is not held yet. */
  holdLoad(): HeldLoad {
    const read = Promise.withResolvers<void>();
    const released = Promise.withResolvers<Error | undefined>();
    this.#held.push({ hasRead: read.resolve, released: released.promise });
    return { hasRead: read.promise, release: (error) => released.resolve(error) };
  }

  async loadColumns(
    report: Parameters<CachePorts["loadColumns"]>[0],
  ): Promise<LoadedColumns | null> {
    this.loadCount++;
    this.#fail("loadColumns");
    const position = this.#log?.length ?? null;
    const { hasTables } = this;
    const built = buildColumns({
      tags: [...this.tags.values()],
      images: [...this.images.values()],
    });
    const pools = packPools([...this.pools.values()]);
    const aliases = this.#packAliases();
    for (const progress of this.progress) report(progress);
    const held = this.#held.shift();
    held?.hasRead();
    const error = await held?.released;
    if (error !== undefined) throw error;
    return hasTables
      ? { ...built, pools, aliases, position, malformed: 0, loadedFrom: "database" }
      : null;
  }

  async readImages(ids: readonly number[]): Promise<ImageReading> {
    await Promise.resolve();
    this.#fail("readImages");
    const tags = [...this.tags.values()];
    const images = ids.filter((id) => this.images.has(id))
      .map((id) => toState(this.images.get(id)!, tags));
    const used = new Set(images.flatMap((image) => [...image.tagIds]));
    return { images, tags: tags.filter((tag) => used.has(tag.id)).map(toRecord) };
  }

  readImageByPath(filepath: string): Promise<ImageReading> {
    const found = [...this.images.values()]
      .find((image) => (image.filepath ?? `${image.id}.jpg`) === filepath);
    return this.readImages(found === undefined ? [] : [found.id]);
  }

  async readTags(): ReturnType<CachePorts["readTags"]> {
    await Promise.resolve();
    this.#fail("readTags");
    return this.hasTables ? toTagColumns([...this.tags.values()]) : null;
  }

  async readTagsByIds(ids: readonly number[]): ReturnType<CachePorts["readTagsByIds"]> {
    await Promise.resolve();
    this.#fail("readTagsByIds");
    return ids.filter((id) => this.tags.has(id)).map((id) => toRecord(this.tags.get(id)!));
  }

  async readChanges(position: number): Promise<Changes | null> {
    await Promise.resolve();
    this.#fail("readChanges");
    if (this.#log === null) return null;
    if (position < this.#trimmedTo || position > this.#log.length) return { kind: "overflow" };
    const entries = this.#log.slice(position);
    const idsOf = (subject: Subject) => [
      ...new Set(entries.filter((entry) => entry.subject === subject).map((entry) => entry.id)),
    ];
    return {
      kind: "entries",
      position: this.#log.length,
      imageIds: idsOf("image"),
      tagIds: idsOf("tag"),
      poolIds: idsOf("pool"),
      hasAliasChanges: idsOf("aliases").length > 0,
    };
  }

  async readPools(ids: readonly number[]): ReturnType<CachePorts["readPools"]> {
    await Promise.resolve();
    this.#fail("readPools");
    return ids.flatMap((id) => this.pools.get(id) ?? []).map(toPool);
  }

  async readAliases(): ReturnType<CachePorts["readAliases"]> {
    await Promise.resolve();
    this.#fail("readAliases");
    return this.#packAliases();
  }

  #packAliases() {
    return packTexts([...this.aliases].flat());
  }

  #fail(port: keyof CachePorts): void {
    const error = this.faults.get(port);
    this.faults.delete(port);
    if (error !== undefined) throw error;
  }
}

function packPools(unsorted: readonly PlainPool[]): LoadedColumns["pools"] {
  const pools = unsorted.map(toPool).sort((a, b) => a.id - b.id);
  return {
    poolId: Int32Array.from(pools, (pool) => pool.id),
    texts: packTexts(pools.flatMap((pool) => [pool.name, pool.description])),
    imageCount: Int32Array.from(pools, (pool) => pool.imageIds.length),
    imageId: Int32Array.from(pools.flatMap((pool) => [...pool.imageIds])),
  };
}

function toRecord(tag: PlainTag) {
  return { id: tag.id, name: tag.name, category: tag.category ?? null };
}

/** A manager over a fake store, with all that it told in order. */
export type ManagedStore = {
  store: FakeStore;
  manager: CacheManager;
  events: CacheEvents;
  /** Types of the events, in their order. */
  told: string[];
  /** Lines that were printed. */
  lines: string[];
  /** What listeners threw. */
  listenerErrors: unknown[];
};

const EVENT_TYPES: readonly (keyof CacheEventMap)[] = [
  "loadStarted",
  "loadProgressed",
  "swapped",
  "loadFailed",
  "imagesChanged",
  "imagesRemoved",
  "tagsChanged",
  "poolsChanged",
  "aliasesChanged",
  "invalidated",
];

/** Wires a manager to a store that already holds these images and tags. */
export function manageStore(
  options: { hasLog?: boolean; tags?: readonly PlainTag[]; images?: readonly PlainImage[] } = {},
): ManagedStore {
  const store = new FakeStore({ hasLog: options.hasLog ?? true });
  for (const tag of options.tags ?? []) store.putTag(tag.id, tag);
  for (const image of options.images ?? []) store.putImage(image);
  const listenerErrors: unknown[] = [];
  const events = new CacheEvents((error) => listenerErrors.push(error));
  const told: string[] = [];
  for (const type of EVENT_TYPES) events.on(type, () => told.push(type));
  const lines: string[] = [];
  let ticks = 0;
  const manager = new CacheManager({
    ports: store,
    events,
    print: (line) => lines.push(line),
    now: () => ticks += 10,
  });
  return { store, manager, events, told, lines, listenerErrors };
}
