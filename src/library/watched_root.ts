import { toMessage } from "../base/errors.ts";
import { WATCH_PROBLEMS_KEPT } from "../base/limits.ts";
import { type FoundFile, isDatabaseName, isUnfinishedName } from "./import_walk.ts";
import { signatureOf, StillFiles } from "./still_files.ts";

/** What is watched: `ingest`, or an in-place root by its name with an `@`. */
export type RootPlan = {
  name: string;
  /** Absolute, without links. */
  path: string;
  mode: "ingest" | "in-place";
};

/**
 * How the watching of a folder stands: `stopped`; `scanning`: it is looked through; `watching`;
 * `unavailable`: the folder is gone, empty or another one, so nothing is concluded from it; `asks`: so many
 * files are missing, or have another content, that a person must say whether that is right. The last two
 * change nothing in the library.
 */
export type WatchState = "stopped" | "scanning" | "watching" | "unavailable" | "asks";

/** A file that could not be taken, or of which something is to be known. */
export type WatchProblem = {
  path: string;
  code: string;
  reason: string;
  /** When it was found, in ISO 8601. */
  at: string;
};

/** What was done since the service began. */
export type WatchCounts = {
  /** New images. */
  added: number;
  /** Files whose content the library had. */
  known: number;
  /** Files that were edited where they lie. */
  replaced: number;
  /** Files that were found under another name. */
  moved: number;
  /** Places that were marked as missing. */
  missing: number;
  /** Files that had been missing and are back. */
  returned: number;
  /** Files that got more tags from sidecars that came or changed later. */
  sidecars: number;
  /** Files that should have been taken and could not be. */
  failed: number;
};

/** How one folder stands, as plain data. */
export type WatchRootStatus = RootPlan & WatchCounts & {
  state: WatchState;
  /** Why it is unavailable, what it asks, or what keeps it waiting. */
  message: string | null;
  /** Files that are missing while it asks. */
  missingAsked: number | null;
  /** Files whose content is another one while it asks. */
  editedAsked: number | null;
  /** Whether changes are seen at once; else the folder is only looked through from time to time. */
  isLive: boolean;
  /** Pictures and videos that the last scan met. */
  filesSeen: number;
  lastScanAt: string | null;
  /** Paths that wait to be still, or to be imported. */
  queued: number;
  /** The last ones, newest last. */
  problems: WatchProblem[];
};

/** Counts of nothing. */
export function noCounts(): WatchCounts {
  return {
    added: 0,
    known: 0,
    replaced: 0,
    moved: 0,
    missing: 0,
    returned: 0,
    sidecars: 0,
    failed: 0,
  };
}

/** What a folder looks like from outside. */
export type FolderProbe = {
  /** Device and inode, and whether anything is in it; what differs is another folder or another state. */
  identity: string | null;
  isEmpty: boolean;
  /** Why it cannot be looked through; null if it can. */
  fault: string | null;
};

/** Looks at a watched folder from outside. */
export async function probeFolder(path: string): Promise<FolderProbe> {
  try {
    const info = await Deno.stat(path);
    if (!info.isDirectory) {
      return { identity: null, isEmpty: false, fault: `${path} is no folder any more` };
    }
    let isEmpty = true;
    for await (const _ of Deno.readDir(path)) {
      isEmpty = false;
      break;
    }
    return { identity: `${info.dev}:${info.ino}`, isEmpty, fault: null };
  } catch (error) {
    const isGone = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    const why = isGone ? "Is its disk connected?" : toMessage(error);
    return { identity: null, isEmpty: false, fault: `There is no folder ${path}. ${why}` };
  }
}

/** One watched folder: what is known of it, what waits, and what was done. */
export class WatchedRoot {
  /** What is watched. */
  readonly plan: RootPlan;
  /** Paths that wait to be still. */
  readonly still: StillFiles;
  /** Files that are to be imported, by path. */
  readonly ready = new Map<string, FoundFile>();
  /**
   * Files with a recorded path that are not what was recorded. They are imported last of all: what was
   * there may be found under another name, in another folder.
   */
  readonly edits = new Map<string, FoundFile>();
  /** Sidecars that are to be read again. */
  readonly sidecars = new Set<string>();
  /** Known files that are imported once more for what their sidecars say. */
  readonly readAgain = new Set<string>();
  /** Recorded places whose files seem to be gone. */
  readonly lost = new Set<string>();
  /** Recorded places whose files are back. */
  readonly returned = new Set<string>();
  /** What was done since the service began. */
  readonly counts: WatchCounts = noCounts();
  /** How it stands. */
  state: WatchState = "stopped";
  /** Why it is unavailable, what it asks, or what keeps it waiting. */
  message: string | null = null;
  /** Files that are missing while it asks. */
  missingAsked: number | null = null;
  /** Files whose content is another one while it asks. */
  editedAsked: number | null = null;
  /** Whether changes are seen at once. */
  isLive = false;
  /** Pictures and videos that the last scan met. */
  filesSeen = 0;
  /** When the last scan began, in ISO 8601. */
  lastScanAt: string | null = null;
  /** The folder as it was when it was last looked through; null before that. */
  identity: string | null = null;
  /** What the folder looked like when it was refused: while it looks the same it is refused again. */
  refusedAs: string | null = null;
  /**
   * Places without their files when it asked, also those that looked renamed: a new file may have got the
   * inode of one that is gone, and turn out to be another.
   */
  goneAsked = 0;
  /** How much a person said is right; null: nobody said anything. More than that is asked again. */
  accepted: { missing: number; edited: number } | null = null;
  /** When the next scan is due. */
  scanDueMs = 0;
  /** When the scan began that is under way; null: none is. */
  scanStartedAtMs: number | null = null;
  /** Before this moment nothing is tried: the library is locked, its disk is full … */
  blockedUntilMs = 0;
  /** What it waits for, as it was logged; null once it had nothing left to do. */
  waitsFor: string | null = null;
  /** Whether it is not only a lock that it waits for. */
  isFailed = false;
  readonly #refused = new Map<string, string>();
  #problems: WatchProblem[] = [];

  /** Whether what it asks is answered on a page of the server, not by a command. */
  readonly asksOnPage: boolean;

  /** Makes a folder of which nothing is known yet. */
  constructor(plan: RootPlan, stillMs: number, options: { asksOnPage?: boolean } = {}) {
    this.plan = plan;
    this.asksOnPage = options.asksOnPage ?? false;
    this.still = new StillFiles(stillMs);
  }

  /** Whether this version of a file was refused before. */
  isRefused(file: FoundFile): boolean {
    return this.#refused.get(file.path) === signatureOf(file);
  }

  /** Remembers that a file cannot be taken as it is; tells it unless that was told. */
  refuse(file: { path: string } | FoundFile, problem: { code: string; reason: string }): boolean {
    const signature = "inode" in file ? signatureOf(file) : problem.reason;
    const isNews = this.#refused.get(file.path) !== signature;
    this.#refused.set(file.path, signature);
    if (isNews) this.#tell({ path: file.path, ...problem });
    return isNews;
  }

  /** Forgets what was refused: all of it is tried again. */
  forgetRefused(): void {
    this.#refused.clear();
  }

  /** Tells something of a file that was taken all the same, once. */
  warn(path: string, reason: string): void {
    const key = `${path}\0${reason}`;
    if (this.#refused.has(key)) return;
    this.#refused.set(key, reason);
    this.#tell({ path, code: "warning", reason });
  }

  #tell(problem: Omit<WatchProblem, "at">): void {
    const { path, code } = problem;
    // A file that is written again and again is one problem.
    const others = this.#problems.filter((one) =>
      code === "warning" || one.path !== path || one.code !== code
    );
    const problems = [...others, { ...problem, at: new Date().toISOString() }];
    this.#problems = problems.slice(-WATCH_PROBLEMS_KEPT);
  }

  /** Whether a path is of interest: not hidden, not outside, no unfinished download. */
  isWatched(path: string): boolean {
    if (!path.startsWith(`${this.plan.path}/`)) return false;
    const parts = path.slice(this.plan.path.length + 1).split("/");
    return !parts.some((part) => part.startsWith(".")) && !isUnfinishedName(parts.at(-1)!) &&
      !isDatabaseName(parts.at(-1)!);
  }

  /** Stops concluding anything from the folder until it looks otherwise. */
  refuseFolder(probe: FolderProbe, reason: Pick<WatchRootStatus, "state" | "message">): void {
    this.state = reason.state;
    this.message = reason.message;
    this.refusedAs = toLook(probe);
    this.dropWork();
  }

  /** Whether a refused folder looks otherwise now. */
  looksOtherwise(probe: FolderProbe): boolean {
    return this.refusedAs !== toLook(probe);
  }

  /** Forgets what waits: a scan finds it again. */
  dropWork(): void {
    this.still.clear();
    this.ready.clear();
    this.edits.clear();
    this.sidecars.clear();
    this.readAgain.clear();
    this.lost.clear();
    this.returned.clear();
    this.scanStartedAtMs = null;
  }

  /** Whether it concludes nothing from its folder at present. */
  get isHalted(): boolean {
    return this.state === "unavailable" || this.state === "asks";
  }

  /** Takes what it asks for right; all that it finds if it could not ask yet. */
  accept(): void {
    this.accepted = this.isHalted
      ? { missing: this.goneAsked, edited: this.editedAsked ?? 0 }
      : { missing: Infinity, edited: Infinity };
    this.scanDueMs = 0;
  }

  /** Whether no file that appeared since a moment waits here to be known. */
  isCalm(nowMs: number, sinceMs: number): boolean {
    if (this.isHalted || (nowMs < this.blockedUntilMs && this.isFailed)) return true;
    return this.scanDueMs > nowMs && this.ready.size === 0 && this.still.countSince(sinceMs) === 0;
  }

  /** When there is something to do again; `retryMs` after now a folder that is refused is looked at. */
  nextDueMs(nowMs: number, retryMs: number): number {
    if (nowMs < this.blockedUntilMs) return this.blockedUntilMs;
    if (this.isHalted) return Math.min(this.scanDueMs, nowMs + retryMs);
    const scanMs = this.scanStartedAtMs === null ? this.scanDueMs : Infinity;
    return Math.min(scanMs, this.still.nextDueMs ?? Infinity);
  }

  /** Whether nothing waits to be done. */
  get isIdle(): boolean {
    return this.still.size + this.ready.size + this.edits.size + this.sidecars.size +
            this.lost.size + this.returned.size === 0 && this.scanStartedAtMs === null;
  }

  /** How it stands. */
  get status(): WatchRootStatus {
    return {
      ...this.plan,
      ...this.counts,
      state: this.state,
      message: this.message,
      missingAsked: this.missingAsked,
      editedAsked: this.editedAsked,
      isLive: this.isLive,
      filesSeen: this.filesSeen,
      lastScanAt: this.lastScanAt,
      queued: this.still.size + this.ready.size + this.edits.size,
      problems: this.#problems,
    };
  }
}

function toLook({ identity, isEmpty }: FolderProbe): string {
  return `${identity} ${isEmpty}`;
}
