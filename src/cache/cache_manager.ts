import { invariant } from "../base/errors.ts";
import type { ImageId, PoolId, TagId } from "../base/ids.ts";
import { OVERLAY_EDITS_MAX, OVERLAY_ROWS_MAX } from "../base/limits.ts";
import { AliasTable } from "./alias_table.ts";
import { applyReading, type Edited, idsOfPaths, isRerated, readAround } from "./apply_reading.ts";
import { applyTables, readTables } from "./apply_tables.ts";
import type { CacheEvents } from "./cache_events.ts";
import { checkShapes } from "./image_columns.ts";
import { ImageDataView } from "./image_data_view.ts";
import { ImageSnapshot } from "./image_snapshot.ts";
import { PoolTable } from "./pool_table.ts";
import type { CachePorts, ImageReading, LoadedColumns, TagRecord } from "./ports.ts";
import { TagIdCache } from "./tag_id_cache.ts";
import { TagTable } from "./tag_table.ts";

/** What a {@link CacheManager} is wired to. */
export type CacheManagerOptions = {
  ports: CachePorts;
  events: CacheEvents;
  /** Where the seed's lines of a verbose load go. */
  print: (line: string) => void;
  /** Milliseconds since some fixed moment. */
  now?: () => number;
};

/** Options of a full load. */
export type LoadOptions = {
  /** Prints the seed's lines. */
  verbose?: boolean;
  /** Whether the snapshot file of an earlier load may answer, with what was committed since: for starts. */
  isWarm?: boolean;
};

/** What was edited one by one while a load reads; paths, because the load may know other ids for them. */
type Edits = {
  ids: Set<ImageId>;
  paths: Set<string>;
  hasTags: boolean;
  poolIds: Set<PoolId>;
  hasAliases: boolean;
};

/**
 * The seed's cache manager: the one mutable cell of the program, holding an immutable snapshot.
 *
 * Algorithm. A full load builds a snapshot aside and swaps it in by one assignment. There is one running
 * load and at most one queued: whoever asks during a load shares the next one, which begins to read
 * after the request, so data committed before a call is visible when the call resolves. Everything that
 * replaces the snapshot runs in one queue ({@link #change}), reading and publishing as one step, so an
 * older reading can never follow a newer one. Images edited while a load reads are read again before
 * its snapshot is published. Events follow publication, never precede it.
 */
export class CacheManager {
  /** Names ⇄ ids of tags. */
  readonly tagIds: TagIdCache;
  readonly #ports: CachePorts;
  readonly #events: CacheEvents;
  readonly #print: (line: string) => void;
  readonly #now: () => number;
  #current = ImageSnapshot.empty(0);
  /** Place in the change log that the current snapshot shows; null where there is no log. */
  #position: number | null = null;
  #queue: Promise<unknown> = Promise.resolve();
  #running: Promise<boolean> | null = null;
  #queued: Promise<boolean> | null = null;
  #isQueuedVerbose = false;
  #editsWhileLoading: Edits | null = null;

  /** Makes an empty cache; nothing is read before a load. */
  constructor(options: CacheManagerOptions) {
    this.#ports = options.ports;
    this.#events = options.events;
    this.#print = options.print;
    this.#now = options.now ?? (() => performance.now());
    this.tagIds = new TagIdCache({
      table: () => this.#current.tags,
      reload: () => this.#reloadTags(),
    });
  }

  /** The snapshot to serve a request from: read once, then passed down. */
  get current(): ImageSnapshot {
    return this.#current;
  }

  /** Whether a full load is running. */
  isLoading(): boolean {
    return this.#running !== null;
  }

  /**
   * Loads everything anew; false when the tables are missing (the cache is then empty).
   *
   * Asked for during a load, it resolves with the load that follows. A load that fails keeps what is
   * served and rejects.
   */
  loadDataFromDb(options: LoadOptions = {}): Promise<boolean> {
    const verbose = options.verbose ?? true;
    // A load that ended leaves the place to the queued one, never to a request that comes between.
    if (this.#running === null && this.#queued === null) {
      return this.#start({ isWarm: false, ...options, verbose });
    }
    this.#isQueuedVerbose ||= verbose;
    this.#queued ??= this.#running!.catch(() => false).then(() => {
      const isVerbose = this.#isQueuedVerbose;
      this.#isQueuedVerbose = false;
      this.#queued = null;
      return this.#start({ verbose: isVerbose, isWarm: false });
    });
    return this.#queued;
  }

  /**
   * Starts a load in the background; null when one is running, and then another follows it all the same.
   *
   * The promise never rejects: a failure is an event, a log line and `false`.
   */
  loadDataFromDbAsync(options: LoadOptions = {}): Promise<boolean> | null {
    const wasLoading = this.isLoading();
    const load = this.loadDataFromDb({ verbose: false, ...options }).catch(() => false);
    return wasLoading ? null : load;
  }

  /** Starts a load from anywhere without waiting for it; see {@link loadDataFromDbAsync}. */
  triggerCacheReloadAsync(): Promise<boolean> | null {
    return this.loadDataFromDbAsync();
  }

  /** Reads one image anew: changed, added or gone. Cost: O(its tags). */
  async reloadSingleImage(filepath: string): Promise<void> {
    const edited = await this.#change(async () => {
      this.#editsWhileLoading?.paths.add(filepath);
      const found = await this.#ports.readImageByPath(filepath);
      const ids = new Set(found.images.map((image) => image.id));
      const known = idsOfPaths(this.#current, [filepath]).filter((id) => !ids.has(id));
      for (const id of known) ids.add(id);
      const at = { snapshot: this.#current, ids };
      const reading = await readAround(this.#ports, at, known.length === 0 ? found : undefined);
      return this.#applyImages([...ids], reading);
    });
    this.#announce(edited);
  }

  /** Takes one image out of the cache, whatever the database says. Cost: O(its tags). */
  async removeImageFromCache(filepath: string): Promise<void> {
    const edited = await this.#change(() => {
      this.#editsWhileLoading?.paths.add(filepath);
      const ids = idsOfPaths(this.#current, [filepath]);
      return Promise.resolve(this.#applyImages(ids, { images: [], tags: [] }));
    });
    this.#announce(edited);
  }

  /**
   * Brings the tag counts up to date. Counts are the lengths of the lists, so that the two cannot
   * disagree: where the database keeps a change log only what changed is read, else everything.
   */
  async reloadTagCounts(): Promise<void> {
    if (!(await this.catchUp())) await this.loadDataFromDb({ verbose: false });
  }

  /**
   * Applies what was committed since, by this or any other process; false where there is no change log
   * or nothing was loaded yet. Cost: O(tags of the changed images).
   */
  async catchUp(): Promise<boolean> {
    let isOverflow = false;
    const edited = await this.#change(async () => {
      if (this.#position === null) return null;
      const changes = await this.#ports.readChanges(this.#position);
      if (changes === null) return null;
      if (changes.kind === "overflow") {
        isOverflow = true;
        return null;
      }
      const tagChanges = await this.#readTagChanges(changes.tagIds);
      // The ratings of all images of such a tag change, and none of those images is in the log.
      isOverflow = tagChanges.some(([id, tag]) =>
        isRerated(this.#current, this.#current.tags, { id, tag })
      );
      if (isOverflow) return null;
      const tables = await readTables(this.#ports, changes);
      const ids = new Set(changes.imageIds);
      const reading = await readAround(this.#ports, { snapshot: this.#current, ids });
      if (tagChanges.length > 0) {
        this.#publish(this.#current.withTags(this.#current.tags.with(tagChanges)));
        if (this.#editsWhileLoading !== null) this.#editsWhileLoading.hasTags = true;
      }
      const withTables = applyTables(this.#current, tables);
      if (withTables !== this.#current) this.#publish(withTables);
      for (const id of changes.poolIds) this.#editsWhileLoading?.poolIds.add(id);
      if (this.#editsWhileLoading !== null) {
        this.#editsWhileLoading.hasAliases ||= changes.hasAliasChanges;
      }
      const edited = this.#applyImages([...ids], reading);
      this.#position = changes.position;
      return {
        ...edited,
        tags: [...new Set([...edited.tags, ...changes.tagIds])],
        pools: changes.poolIds,
        hasAliases: changes.hasAliasChanges,
      };
    });
    if (isOverflow) return await this.loadDataFromDb({ verbose: false });
    if (edited === null) return false;
    this.#announce(edited);
    return true;
  }

  /** All images, as of now: a view that never changes. Cost: O(1). */
  getImageData(): ImageDataView {
    return new ImageDataView(this.#current);
  }

  /** Distinct images of each tag that has any, by tag id. Cost: O(tags) once for a snapshot. */
  getTagCounts(): ReadonlyMap<TagId, number> {
    return this.#current.tagCounts();
  }

  /** Tag names of an image separated by spaces; "" for an unknown path. */
  getImageTagsAsString(filepath: string): string {
    return this.tagIds.getStringFromIds(this.getImageTagsAsIds(filepath));
  }

  /** Tag names of an image; empty for an unknown path. */
  getImageTagsAsSet(filepath: string): Set<string> {
    return new Set(this.tagIds.getNames(this.getImageTagsAsIds(filepath)));
  }

  /** Tag ids of an image, ascending, a copy; empty for an unknown path. */
  getImageTagsAsIds(filepath: string): Int32Array {
    const row = this.#current.rowOfPath(filepath);
    return row === undefined ? new Int32Array() : this.#current.tagIdsAt(row);
  }

  /** Number of tags of an image; 0 for an unknown path. */
  getImageTagCount(filepath: string): number {
    const row = this.#current.rowOfPath(filepath);
    return row === undefined ? 0 : this.#current.tagCountAt(row);
  }

  /** MD5 of the image with this post id: of several, that with the lowest image id. */
  getMd5ByPostId(postId: number, source?: string): string | undefined {
    const row = this.#current.rowsOfPostId(postId, source)[0];
    return row === undefined ? undefined : this.#current.md5At(row);
  }

  /** Makes sure that one image (or, without a path, every image) is read anew. */
  async invalidateImageCache(filepath?: string): Promise<void> {
    if (filepath === undefined) await this.loadDataFromDb({ verbose: false });
    else await this.reloadSingleImage(filepath);
  }

  /** Makes sure that tag names, ids and counts are read anew. */
  async invalidateTagCache(): Promise<void> {
    await this.reloadTagCounts();
    await this.#reloadTags();
  }

  /** Makes sure that everything is read anew. */
  async invalidateAllCaches(): Promise<void> {
    await this.loadDataFromDb({ verbose: false });
  }

  /** Resolves when nothing is loading or being applied. */
  async settled(): Promise<void> {
    while (this.#running !== null || this.#queued !== null) {
      await (this.#queued ?? this.#running)?.catch(() => false);
    }
    await this.#queue;
  }

  #start(options: Required<LoadOptions>): Promise<boolean> {
    const load = this.#load(options).finally(() => {
      this.#running = null;
      this.#editsWhileLoading = null;
    });
    this.#running = load;
    return load;
  }

  async #load({ verbose, isWarm }: Required<LoadOptions>): Promise<boolean> {
    const print = verbose ? this.#print : () => {};
    const startedAt = this.#now();
    this.#editsWhileLoading = {
      ids: new Set(),
      paths: new Set(),
      hasTags: false,
      poolIds: new Set(),
      hasAliases: false,
    };
    this.#events.emit("loadStarted", { generation: this.#current.generation });
    print("Loading data from database...");
    try {
      const previous = this.#current.generation;
      const loadedFrom = await this.#loadAndSwap(print, isWarm);
      const snapshot = this.#current;
      const counts = {
        images: snapshot.length,
        tags: snapshot.usedTagCount,
        postIds: snapshot.postIdCount,
      };
      if (loadedFrom !== null) {
        print(
          `Loaded ${counts.images} images, ${counts.tags} unique tags, ` +
            `${counts.postIds} cross-source post_ids.`,
        );
      }
      const loadMs = this.#now() - startedAt;
      const { generation } = snapshot;
      this.#events.emit("swapped", {
        generation,
        previous,
        loadMs,
        loadedFrom: loadedFrom ?? "database",
        ...counts,
      });
      this.#events.triggerCacheInvalidation();
      return loadedFrom !== null;
    } catch (error) {
      const cause = error instanceof Error ? error : new Error(String(error));
      this.#events.emit("loadFailed", { generation: this.#current.generation, error: cause });
      throw error;
    }
  }

  async #loadAndSwap(
    print: (line: string) => void,
    isWarm: boolean,
  ): Promise<LoadedColumns["loadedFrom"] | null> {
    const loaded = await this.#ports.loadColumns((progress) => {
      if (progress.stage === "metadata") {
        if (progress.done === 0) print("Building cross-source post_id index...");
        else print(`  Processed ${progress.done}/${progress.total} metadata entries...`);
      }
      this.#events.emit("loadProgressed", progress);
    }, { isWarm });
    if (loaded === null) {
      await this.#change(() => {
        this.#publish(ImageSnapshot.empty(this.#current.generation + 1));
        this.#position = null;
        return Promise.resolve();
      });
      return null;
    }
    checkShapes(loaded.columns);
    const tables = {
      tags: await TagTable.build(loaded.columns),
      pools: await PoolTable.build(loaded.pools),
      aliases: await AliasTable.build(loaded.aliases),
    };
    await this.#change(() => this.#swap(loaded, tables));
    return loaded.loadedFrom;
  }

  /** Publishes loaded columns with everything that was committed since their reading. */
  async #swap(
    loaded: LoadedColumns,
    { tags, pools, aliases }: { tags: TagTable; pools: PoolTable; aliases: AliasTable },
  ): Promise<void> {
    const changes = loaded.position === null
      ? null
      : await this.#ports.readChanges(loaded.position);
    const entries = changes?.kind === "entries" ? changes : null;
    const edits = this.#editsWhileLoading!;
    const known = edits.hasTags ? await this.#readTagTable() : tags;
    const changedTags = await this.#readTagChanges(entries?.tagIds ?? []);
    const tables = await readTables(this.#ports, {
      poolIds: [...edits.poolIds, ...entries?.poolIds ?? []],
      hasAliasChanges: edits.hasAliases || entries?.hasAliasChanges === true,
    });
    const loadedAlone = ImageSnapshot.of(loaded.columns, {
      sources: loaded.sources,
      tags: changedTags.length === 0 ? known : known.with(changedTags),
      pools,
      aliases,
      generation: this.#current.generation + 1,
    });
    const base = applyTables(loadedAlone, tables);
    const ids = new Set([
      ...edits.ids,
      ...idsOfPaths(base, edits.paths),
      ...entries?.imageIds ?? [],
    ]);
    const reading = await readAround(this.#ports, { snapshot: base, ids });
    this.#publish(applyReading(base, [...ids], reading).snapshot);
    this.#position = entries?.position ?? loaded.position;
    // What cannot be applied one by one is not left out: the load that follows reads it.
    const isBehind = changes?.kind === "overflow" ||
      changedTags.some(([id, tag]) => isRerated(base, tags, { id, tag }));
    if (isBehind) this.loadDataFromDbAsync();
  }

  /** Runs one change after all earlier ones; what it reads and publishes is one step. */
  #change<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(change);
    this.#queue = result.catch(() => {});
    return result;
  }

  #publish(next: ImageSnapshot): void {
    invariant(next.generation > this.#current.generation, "generations grow");
    this.#current = next;
  }

  #applyImages(ids: readonly ImageId[], reading: ImageReading): Edited {
    for (const id of ids) this.#editsWhileLoading?.ids.add(id);
    const { snapshot, edited } = applyReading(this.#current, ids, reading);
    if (snapshot !== this.#current) this.#publish(snapshot);
    return edited;
  }

  async #readTagTable(): Promise<TagTable> {
    const columns = await this.#ports.readTags();
    return columns === null ? TagTable.EMPTY : await TagTable.build(columns);
  }

  async #readTagChanges(ids: readonly TagId[]): Promise<[TagId, TagRecord | null][]> {
    if (ids.length === 0) return [];
    const found = new Map((await this.#ports.readTagsByIds(ids)).map((tag) => [tag.id, tag]));
    return ids.map((id) => [id, found.get(id) ?? null]);
  }

  async #reloadTags(): Promise<void> {
    await this.#change(async () => {
      this.#publish(this.#current.withTags(await this.#readTagTable()));
      if (this.#editsWhileLoading !== null) this.#editsWhileLoading.hasTags = true;
    });
    this.#events.emit("tagsChanged", { generation: this.#current.generation, ids: [] });
    this.#events.triggerCacheInvalidation();
  }

  /** Tells what an edit changed, and folds a large overlay in by a full load. */
  #announce({ changed, removed, tags, pools, hasAliases }: Edited): void {
    const { generation } = this.#current;
    if (changed.length > 0) this.#events.emit("imagesChanged", { generation, ids: changed });
    if (removed.length > 0) this.#events.emit("imagesRemoved", { generation, ids: removed });
    if (tags.length > 0) this.#events.emit("tagsChanged", { generation, ids: tags });
    if (pools.length > 0) this.#events.emit("poolsChanged", { generation, ids: pools });
    if (hasAliases) this.#events.emit("aliasesChanged", { generation });
    const isChanged = changed.length + removed.length + tags.length + pools.length > 0;
    if (isChanged || hasAliases) this.#events.triggerCacheInvalidation();
    const { editedRowCount, editCount } = this.#current;
    const isFull = editedRowCount > OVERLAY_ROWS_MAX || editCount > OVERLAY_EDITS_MAX;
    if (isFull && !this.isLoading()) this.loadDataFromDbAsync();
  }
}
