import { pooledMap } from "@std/async";
import { AppError } from "../base/errors.ts";
import { HASH_BATCH_FILES } from "../base/limits.ts";
import { DATABASE_PARTS, type DatabaseFault } from "../store/check.ts";
import {
  countImages,
  type PlaceRow,
  readRecordedPlaces,
  readServedPlaces,
} from "../store/check_places.ts";
import { explain } from "../store/database.ts";
import {
  CHECK_KIND_NAMES,
  type CheckKind,
  factsOf,
  type Finding,
  finding,
  REPAIRABLE_KINDS,
} from "./check_kinds.ts";
import {
  FolderWatch,
  isStillChanged,
  lookAgainAt,
  lookAtPlaces,
  type PlaceOptions,
  type PlaceVerdict,
} from "./check_places.ts";
import { type RepairContext, repairFindings } from "./check_repair.ts";
import { findLeftovers, findStrayFiles, isStillStray } from "./check_strays.ts";
import {
  findMissingThumbnails,
  findOrphanThumbnails,
  hasThumbnail,
  isOrphanThumbnail,
} from "./check_thumbnails.ts";
import { findTrashFaults } from "./check_trash.ts";
import type { Library } from "./library.ts";
import { exists } from "./library_paths.ts";
import { isLockHeld } from "./lock.ts";

/** How far a check is. */
export type CheckProgress = {
  stage: "database" | "files" | "folders" | "thumbnails" | "again" | "repair";
  done: number;
  total: number | null;
};

/** How a check is to be done. */
export type CheckOptions = {
  /** Kinds to repair; nothing else is changed, and nothing at all without them. */
  repair?: readonly CheckKind[];
  /** Whether all bytes are read (default), or only those of files that seem to have changed. */
  hashes?: boolean;
  signal?: AbortSignal;
  onProgress?: (progress: CheckProgress) => void;
};

/** What a check found. */
export type CheckReport = {
  /** By kind, in the order of CHECK_KINDS. */
  findings: Finding[];
  /** Images that were looked at. */
  images: number;
  /** Files whose bytes were read, and how many bytes. */
  filesRead: number;
  bytesRead: number;
  elapsedMs: number;
};

/** Findings that are faults and were not repaired: notes are none. */
export function countFaults({ findings }: CheckReport): number {
  return findings.filter(({ kind, state }) => state !== "repaired" && !factsOf(kind).isNote).length;
}

/**
 * Compares rows, files, thumbnails, trash and the database with each other, and repairs what `repair`
 * names.
 *
 * The library may be in use: what is changed, imported or deleted meanwhile is looked at once more at the
 * end. A folder whose disk is not connected is one finding. Repairs hold the library's lock, look at
 * everything again before they change it, and are written into the journal.
 *
 * Cost: one read of every file; without hashes some 0.2 ms an image.
 *
 * @throws {AppError} `bad_request` if a kind cannot be repaired, `locked` if another command moves files
 *   while something is to be repaired, `cancelled`.
 */
export async function checkLibrary(
  library: Library,
  options: CheckOptions = {},
): Promise<CheckReport> {
  const run = new CheckRun(library, options);
  return await run.run();
}

const PLACES_AT_ONCE = HASH_BATCH_FILES;
const FINDINGS_AT_ONCE = HASH_BATCH_FILES;

class CheckRun {
  readonly #library: Library;
  readonly #options: CheckOptions;
  readonly #startedAt = performance.now();
  #folders!: FolderWatch;
  readonly #report: CheckReport = {
    findings: [],
    images: 0,
    filesRead: 0,
    bytesRead: 0,
    elapsedMs: 0,
  };
  readonly #linked = new Set<string>();
  /** Paths that two images claim: what their bytes should be nobody knows. */
  #shared = new Set<string>();
  #images = "";

  constructor(library: Library, options: CheckOptions) {
    this.#library = library;
    this.#options = options;
  }

  async run(): Promise<CheckReport> {
    const { images } = this.#library.paths;
    this.#images = await exists(images) ? await Deno.realPath(images) : images;
    await this.#checkDatabase();
    const knowsFolders = await this.#unlessDamaged(() => {
      this.#folders = new FolderWatch(this.#library);
      return Promise.resolve();
    });
    // Without its folders nothing can be said of files.
    if (knowsFolders) await this.#checkFiles();
    this.#sort();
    if (knowsFolders) await this.#repair();
    this.#report.elapsedMs = performance.now() - this.#startedAt;
    return this.#report;
  }

  async #checkFiles(): Promise<void> {
    await this.#unlessDamaged(() => this.#checkServed());
    await this.#unlessDamaged(() => this.#checkFurtherPlaces());
    await this.#unlessDamaged(() => this.#checkFolders());
    await this.#unlessDamaged(async () => {
      this.#report.findings = await this.#confirm(this.#report.findings);
    });
    this.#report.findings.push(...this.#folders.findings());
  }

  /** Does a part of the work; false if damage of the database stopped it, which is told. */
  async #unlessDamaged(part: () => Promise<void>): Promise<boolean> {
    try {
      await part();
      return true;
    } catch (error) {
      const { database } = this.#library.paths;
      const known = explain(error, database);
      if (!(known instanceof AppError) || known.code !== "corrupt") throw error;
      this.#addDamage(known.message);
      return false;
    }
  }

  /** Damage that stops several parts is told once. */
  #addDamage(message: string): void {
    const { findings } = this.#report;
    if (findings.some((one) => one.kind === "integrity" && one.message === message)) return;
    findings.push(finding("integrity", { message }));
  }

  #tell(stage: CheckProgress["stage"], done: number, total: number | null = null): void {
    this.#options.signal?.throwIfAborted();
    this.#options.onProgress?.({ stage, done, total });
  }

  async #checkDatabase(): Promise<void> {
    const { database } = this.#library.paths;
    for (const [i, part] of DATABASE_PARTS.entries()) {
      this.#tell("database", i, DATABASE_PARTS.length);
      const faults = await this.#library.hasher.call("examineDatabase", { path: database, part });
      for (const fault of faults) {
        if (fault.kind === "integrity") this.#addDamage(fault.message);
        else this.#report.findings.push(toFinding(fault));
        if (fault.kind === "shared_path") this.#shared.add(fault.path!);
      }
    }
  }

  /** Looks at the files that images are served from, and at their thumbnails. */
  async #checkServed(): Promise<void> {
    const total = countImages(this.#library.core.reader);
    await this.#inPool(this.#servedPlaces(), async (places) => {
      const verdicts = await this.#look(places);
      this.#report.findings.push(...await findMissingThumbnails(this.#library, verdicts));
      this.#report.images += places.length;
      this.#tell("files", this.#report.images, total);
    });
  }

  async #checkFurtherPlaces(): Promise<void> {
    await this.#inPool(this.#furtherPlaces(), async (places) => {
      await this.#look(places);
      this.#options.signal?.throwIfAborted();
    });
  }

  /** Some lists of places at a time: while one is hashed the next is looked up. */
  async #inPool(
    lists: Iterable<PlaceRow[]>,
    work: (places: PlaceRow[]) => Promise<void>,
  ): Promise<void> {
    try {
      for await (const _ of pooledMap(this.#library.hasher.size + 1, lists, work));
    } catch (error) {
      throw error instanceof AggregateError ? error.errors[0] : error;
    }
  }

  async #look(places: PlaceRow[]): Promise<PlaceVerdict[]> {
    const own = places.filter(({ filepath }) => !this.#shared.has(filepath));
    const verdicts = await lookAtPlaces(this.#library, own, this.#placeOptions());
    this.#report.findings.push(
      ...verdicts.map(({ fault }) => fault).filter((fault) => fault !== null),
    );
    return verdicts;
  }

  #placeOptions(): PlaceOptions {
    return {
      folders: this.#folders,
      hashes: this.#options.hashes ?? true,
      links: { images: this.#images, found: this.#linked },
      onBytes: (count) => {
        this.#report.filesRead++;
        this.#report.bytesRead += count;
      },
    };
  }

  *#servedPlaces(): Generator<PlaceRow[]> {
    const { reader } = this.#library.core;
    for (let afterId = Number.MIN_SAFE_INTEGER;;) {
      const places = readServedPlaces(reader, { afterId, limit: PLACES_AT_ONCE });
      if (places.length === 0) return;
      yield places;
      afterId = places.at(-1)!.imageId;
    }
  }

  *#furtherPlaces(): Generator<PlaceRow[]> {
    const { reader } = this.#library.core;
    for (let afterPath = "";;) {
      const places = readRecordedPlaces(reader, { afterPath, limit: PLACES_AT_ONCE });
      if (places.length === 0) return;
      yield places.filter(({ isServed }) => !isServed);
      afterPath = places.at(-1)!.filepath;
    }
  }

  async #checkFolders(): Promise<void> {
    const { signal } = this.#options;
    const found = this.#report.findings;
    let files = 0;
    found.push(
      ...await findStrayFiles(this.#library, {
        folders: this.#folders,
        hashes: this.#options.hashes ?? true,
        linked: this.#linked,
        signal,
        onFile: () => {
          if (++files % 1_000 === 0) this.#tell("folders", files);
        },
      }),
    );
    this.#tell("thumbnails", 0);
    found.push(...await findOrphanThumbnails(this.#library, { signal }));
    const isLocked = await isLockHeld(this.#library.paths.lock);
    found.push(...await findTrashFaults(this.#library, { isLocked, signal }));
    if (!isLocked) found.push(...await findLeftovers(this.#library));
  }

  /**
   * Drops what is not wrong any more: somebody may have used the library meanwhile. What the database
   * says of itself was true at one moment and stays.
   */
  async #confirm(findings: readonly Finding[]): Promise<Finding[]> {
    this.#folders.lookAgain();
    const isLocked = await isLockHeld(this.#library.paths.lock);
    const confirmed: Finding[] = [];
    for (let i = 0; i < findings.length; i += FINDINGS_AT_ONCE) {
      this.#tell("again", i, findings.length);
      const some = findings.slice(i, i + FINDINGS_AT_ONCE);
      const now = await Promise.all(some.map((one) => this.#lookAgain(one, isLocked)));
      confirmed.push(...now.filter((one) => one !== null));
    }
    return confirmed;
  }

  async #lookAgain(one: Finding, isLocked: boolean): Promise<Finding | null> {
    const library = this.#library;
    switch (one.kind) {
      case "changed_file": {
        const seen = await lookAgainAt(library, one, { ...this.#placeOptions(), looksOnly: true });
        if (seen === null) return null;
        if (isStillChanged(one, seen)) return one;
        return (await lookAgainAt(library, one, this.#placeOptions()))?.fault ?? null;
      }
      case "missing_file":
      case "wrong_hash":
      case "unreadable_file":
      case "outside_root":
        // Without a number it is about a folder or a link, and not about an image.
        if (one.id === null) return one;
        return (await lookAgainAt(library, one, this.#placeOptions()))?.fault ?? null;
      case "orphan_file":
        return await isStillStray(library, one.path!, { linked: this.#linked, isLocked })
          ? one
          : null;
      case "missing_thumbnail": {
        const options = { ...this.#placeOptions(), looksOnly: true };
        const verdict = await lookAgainAt(library, one, options);
        const isThere = verdict === null || verdict.file === null ||
          await hasThumbnail(library, verdict.place);
        return isThere ? null : one;
      }
      case "orphan_thumbnail":
        // An import makes the thumbnail before the image.
        return isLocked || !isOrphanThumbnail(library, one.path!) ? null : one;
      default:
        return one;
    }
  }

  #sort(): void {
    const rank = new Map(CHECK_KIND_NAMES.map((kind, i) => [kind, i]));
    this.#report.findings.sort((a, b) =>
      rank.get(a.kind)! - rank.get(b.kind)! || compare(a.path ?? "", b.path ?? "") ||
      (a.id ?? 0) - (b.id ?? 0)
    );
  }

  async #repair(): Promise<void> {
    const kinds = new Set(this.#options.repair ?? []);
    if (kinds.size === 0) return;
    const context: RepairContext = {
      options: this.#placeOptions(),
      linked: this.#linked,
      signal: this.#options.signal,
      onRepair: (done, total) => this.#tell("repair", done, total),
    };
    const wanted = REPAIRABLE_KINDS.filter((kind) => kinds.has(kind));
    for (const kind of wanted) {
      const own = this.#report.findings.filter((one) => one.kind === kind);
      if (own.length > 0) await repairFindings(this.#library, kind, { findings: own, context });
    }
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function toFinding({ kind, path, id, message }: DatabaseFault): Finding {
  return finding(kind, { path, id, message });
}
