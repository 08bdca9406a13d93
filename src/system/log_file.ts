import { dirname } from "node:path";
import { AppError, toMessage } from "../base/errors.ts";
import { LOG_FILE_BYTES_MAX, LOG_FILES_KEPT } from "../base/limits.ts";

/** A file that takes lines and begins anew when it is full. */
export type LogFile = Disposable & {
  /** Adds a line, its end included; a line that cannot be written is lost, and nothing is thrown. */
  write(line: string): void;
};

/** How a log file behaves. */
export type LogFileOptions = {
  /** Size at which a file is put aside. */
  bytesMax?: number;
  /** Files that are kept besides the current one, at least one: `<path>.1` is the newest. */
  filesKept?: number;
  /** Told once of each row of failures. */
  onFailure: (reason: string) => void;
  /** Milliseconds since some fixed moment. */
  now?: () => number;
};

/** How long nothing is tried after a failure: a full disk is not made better by asking. */
const RETRY_MS = 10_000;

/**
 * Opens a log file for adding lines; it is made if it is not there, its folder is not.
 *
 * Lines are written at once and not synced: the log of a program that is killed is complete, that of a
 * machine that loses its power may not be. What fails later stops nobody.
 *
 * @throws {AppError} `bad_request`, naming the file and the remedy, if it cannot be opened now.
 */
export function openLogFile(path: string, options: LogFileOptions): LogFile {
  try {
    return new RotatingFile(path, options);
  } catch (error) {
    throw new AppError("bad_request", `Cannot write the log ${path}: ${toMessage(error)}`, {
      remedy: `Is there a folder ${dirname(path)}, and may this user write to it? Choose another ` +
        "file with --log-file",
      cause: error,
    });
  }
}

class RotatingFile implements LogFile {
  readonly #path: string;
  readonly #options: LogFileOptions;
  readonly #bytesMax: number;
  readonly #filesKept: number;
  readonly #now: () => number;
  readonly #encoder = new TextEncoder();
  #file: Deno.FsFile | null;
  #bytes: number;
  #failedAt: number | null = null;

  constructor(path: string, options: LogFileOptions) {
    this.#path = path;
    this.#options = options;
    this.#bytesMax = options.bytesMax ?? LOG_FILE_BYTES_MAX;
    this.#filesKept = options.filesKept ?? LOG_FILES_KEPT;
    this.#now = options.now ?? (() => performance.now());
    this.#file = this.#open();
    this.#bytes = this.#file.statSync().size;
  }

  write(line: string): void {
    if (this.#failedAt !== null && this.#now() - this.#failedAt < RETRY_MS) return;
    try {
      const bytes = this.#encoder.encode(line);
      if (this.#bytes > 0 && this.#bytes + bytes.length > this.#bytesMax) this.#rotate();
      if (this.#file === null) {
        this.#file = this.#open();
        this.#bytes = this.#file.statSync().size;
      }
      let written = 0;
      while (written < bytes.length) written += this.#file.writeSync(bytes.subarray(written));
      this.#bytes += bytes.length;
      this.#failedAt = null;
    } catch (error) {
      const isFirst = this.#failedAt === null;
      // Before anybody is told: what is told may be logged.
      this.#failedAt = this.#now();
      if (isFirst) {
        this.#options.onFailure(`Cannot write the log ${this.#path}: ${toMessage(error)}`);
      }
    }
  }

  [Symbol.dispose](): void {
    this.#file?.close();
    this.#file = null;
  }

  #open(): Deno.FsFile {
    // What is logged is the owner's business alone.
    return Deno.openSync(this.#path, { append: true, create: true, mode: 0o600 });
  }

  /** `log` → `log.1` → … → `log.N`, the last of which is replaced. */
  #rotate(): void {
    this.#file?.close();
    this.#file = null;
    this.#bytes = 0;
    for (let i = this.#filesKept - 1; i >= 1; i--) {
      renameIfThere(`${this.#path}.${i}`, `${this.#path}.${i + 1}`);
    }
    renameIfThere(this.#path, `${this.#path}.1`);
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    Deno.renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
