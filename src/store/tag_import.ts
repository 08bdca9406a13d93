import { basename } from "node:path";
import { AppError } from "../base/errors.ts";
import {
  TAG_LIST_BYTES_MAX,
  TAG_LIST_FAULTS_KEPT_MAX,
  TAG_LIST_LINE_BYTES_MAX,
} from "../base/limits.ts";
import { readTextLines, type TextLine } from "../tags/text_lines.ts";
import {
  parseCsvLine,
  parseTagCsvRow,
  readTagCsvColumns,
  type TagCsvColumns,
  type TagCsvRow,
} from "../tags/tag_csv.ts";
import {
  categoryOfListNumber,
  NumberingEvidence,
  type TagNumbering,
} from "../tags/tag_numbering.ts";
import { type Database, openReader } from "./database.ts";
import {
  type CatalogueChanges,
  type CatalogueRow,
  type ListWarning,
  noCatalogueChanges,
  writeCatalogueRows,
} from "./tag_catalogue.ts";

/** A list to import. */
export type TagListRequest = {
  /** The file: CSV, or CSV compressed by gzip. */
  path: string;
  /** Name that the file had where it came from: it may tell the site. */
  fileName: string | null;
  /** Null: find it out. */
  numbering: TagNumbering | null;
  /** Database to compare with when nothing is to be written; null: write. */
  dryRunOn: string | null;
};

/** A row that cannot be used. */
export type ListFault = { line: number; reason: string };

/** What a list is, found by reading it once. */
export type TagListSurvey = {
  numbering: TagNumbering;
  /** Whether the rows left a choice: numbers may mean something else. */
  isGuess: boolean;
  /** Rows that can be used. */
  rowCount: number;
  faultCount: number;
  /** The first of them. */
  faults: ListFault[];
  /** Rows whose name an earlier row has. */
  warnings: ListWarning[];
};

/** What one step of an import did. */
export type TagImportStep = {
  /** Rows that were read in this step. */
  rowCount: number;
  isDone: boolean;
  changes: CatalogueChanges;
  warnings: ListWarning[];
};

/** Rows that one transaction writes, about: other writes wait no longer than it takes. */
const ROWS_AT_ONCE = 5_000;
const READ_BYTES = 131_072;

type ReadRow = { line: number; row: TagCsvRow };

/**
 * One import of a list. It is read twice: once to see what it is, so that nothing is written when it is
 * nothing, and once to write it, some thousand rows a step.
 */
export class TagListImport {
  /** What the list is. */
  readonly survey: TagListSurvey;
  readonly #request: TagListRequest;
  readonly #columns: TagCsvColumns;
  /** Names with their lines; a later row of the same name is not the list's word. */
  readonly #names: Map<string, number>;
  readonly #stored = new Map<string, string>();
  readonly #batches: AsyncGenerator<ReadRow[]>;
  readonly #dryRunReader: Database | null;

  private constructor(
    request: TagListRequest,
    found: { survey: TagListSurvey; columns: TagCsvColumns; names: Map<string, number> },
  ) {
    this.survey = found.survey;
    this.#request = request;
    this.#columns = found.columns;
    this.#names = found.names;
    this.#batches = this.#read();
    this.#dryRunReader = request.dryRunOn === null ? null : openReader(request.dryRunOn);
  }

  /**
   * Reads a list through. Cost: about 0.4 s for 200,000 rows, in pieces.
   *
   * @throws {AppError} `not_found`, `forbidden`, `bad_request` or `payload_too_large`, naming the file and
   *   what is wrong with it.
   */
  static async open(request: TagListRequest): Promise<TagListImport> {
    return new TagListImport(request, await surveyList(request));
  }

  /** Writes the next rows in transactions of `write`, which a dry run does not use. */
  async step(
    write: (
      change: (db: Database) => ReturnType<typeof writeCatalogueRows>,
    ) => ReturnType<typeof writeCatalogueRows>,
  ): Promise<TagImportStep> {
    const rows: CatalogueRow[] = [];
    const warnings: ListWarning[] = [];
    let isDone = false;
    while (rows.length < ROWS_AT_ONCE && !isDone) {
      const { value, done } = await this.#batches.next();
      isDone = done === true;
      for (const { line, row } of value ?? []) {
        const category = toCategory(row.category, this.survey.numbering);
        if (category === undefined || this.#names.get(row.name) !== line) continue;
        rows.push({ line, name: row.name, category, count: row.count, aliases: row.aliases });
        if (row.rejectedAliasesCount > 0) warnings.push(toAliasWarning(line, row));
      }
    }
    if (rows.length === 0) {
      return { rowCount: 0, isDone, changes: noCatalogueChanges(), warnings };
    }
    const isDryRun = this.#dryRunReader !== null;
    const { numbering } = this.survey;
    const change = (db: Database) =>
      writeCatalogueRows(db, rows, {
        numbering,
        names: this.#names,
        stored: this.#stored,
        isDryRun,
      });
    const done = this.#dryRunReader === null ? write(change) : change(this.#dryRunReader);
    warnings.push(...done.warnings);
    return { rowCount: rows.length, isDone, changes: done.changes, warnings };
  }

  /** Lets go of the file. */
  async close(): Promise<void> {
    await this.#batches.return(undefined);
    this.#dryRunReader?.close();
  }

  async *#read(): AsyncGenerator<ReadRow[]> {
    for await (const lines of readListLines(this.#request.path)) {
      const rows: ReadRow[] = [];
      for (const line of lines) {
        const read = readRow(line, this.#columns);
        if (read !== null && "row" in read) rows.push({ line: line.number, row: read.row });
      }
      yield rows;
    }
  }
}

function toCategory(category: TagCsvRow["category"], numbering: TagNumbering) {
  return typeof category === "number" ? categoryOfListNumber(numbering, category) : category;
}

function toAliasWarning(line: number, { name, rejectedAliasesCount }: TagCsvRow): ListWarning {
  const what = rejectedAliasesCount === 1 ? "1 alias" : `${rejectedAliasesCount} aliases`;
  return { line, message: `${what} of ${name} cannot be names of tags` };
}

/** Null: an empty line. */
function readRow(line: TextLine, columns: TagCsvColumns): ReturnType<typeof parseTagCsvRow> | null {
  if ("fault" in line) return { fault: line.fault };
  if (line.text.trim() === "") return null;
  const fields = parseCsvLine(line.text);
  return typeof fields === "string" ? { fault: fields } : parseTagCsvRow(fields, columns);
}

/** Gathers what the first reading finds. */
class Survey {
  readonly names = new Map<string, number>();
  readonly warnings: ListWarning[] = [];
  readonly faults: ListFault[] = [];
  readonly #evidence = new NumberingEvidence();
  /** Lines by the number of their category, for those that the numbering turns out not to use. */
  readonly #linesOfNumber = new Map<number, number[]>();
  columns: TagCsvColumns | null = null;
  faultCount = 0;

  add(line: TextLine): void {
    if (this.columns === null && "text" in line && line.text.trim() !== "") {
      const fields = parseCsvLine(line.text);
      if (typeof fields !== "string") {
        const { columns, isHeader } = readTagCsvColumns(fields);
        this.columns = columns;
        if (isHeader) return;
      }
    }
    // The aliases are the larger half of a list, and nothing about them is decided here.
    const { name, category, count } = this.columns ?? { name: 0, category: 1, count: 2 };
    const read = readRow(line, { name, category, count, aliases: null });
    if (read === null) return;
    if ("fault" in read) {
      this.#addFault(line.number, read.fault);
      return;
    }
    this.#addRow(line.number, read.row);
  }

  #addRow(line: number, row: TagCsvRow): void {
    const earlier = this.names.get(row.name);
    if (earlier !== undefined) {
      const message = `${row.name} is on line ${earlier} already, which counts`;
      this.warnings.push({ line, message });
      return;
    }
    this.names.set(row.name, line);
    if (typeof row.category !== "number") return;
    this.#evidence.add(row.name, row.category);
    const lines = this.#linesOfNumber.get(row.category);
    if (lines === undefined) this.#linesOfNumber.set(row.category, [line]);
    else lines.push(line);
  }

  #addFault(line: number, reason: string): void {
    this.faultCount++;
    if (this.faults.length < TAG_LIST_FAULTS_KEPT_MAX) this.faults.push({ line, reason });
  }

  /** Decides the numbering; rows with numbers that it does not have are faults. */
  decide(request: TagListRequest): { numbering: TagNumbering; isGuess: boolean } {
    const decided = request.numbering === null
      ? this.#evidence.decide(request.fileName ?? basename(request.path))
      : { numbering: request.numbering, isGuess: false };
    if (decided.numbering === null) {
      throw new AppError(
        "bad_request",
        `Cannot tell how ${nameOf(request)} numbers categories: ${decided.reason}`,
        { remedy: "Say it with --numbering danbooru, e621 or merged" },
      );
    }
    const { numbering } = decided;
    const wrong = new Set<number>();
    for (const [number, lines] of this.#linesOfNumber) {
      if (categoryOfListNumber(numbering, number) !== undefined) continue;
      for (const line of lines) {
        wrong.add(line);
        this.#addFault(line, `${numbering} has no category ${number}`);
      }
    }
    if (wrong.size > 0) {
      for (const [name, line] of this.names) if (wrong.has(line)) this.names.delete(name);
    }
    this.faults.sort((a, b) => a.line - b.line);
    return decided;
  }
}

async function surveyList(request: TagListRequest) {
  const found = new Survey();
  let isEmpty = true;
  for await (const lines of readListLines(request.path)) {
    for (const line of lines) {
      if ("text" in line && line.text === "") continue;
      isEmpty = false;
      if ("text" in line && line.text.includes("\0")) {
        throw new AppError("bad_request", `Cannot import ${nameOf(request)}: it is no text`, {
          remedy: "Name a tag list: lines of name, category number, count and aliases",
        });
      }
      found.add(line);
    }
  }
  if (isEmpty) {
    throw new AppError("bad_request", `Cannot import ${nameOf(request)}: it is empty`, {
      remedy: "Name a tag list: lines of name, category number, count and aliases",
    });
  }
  if (found.names.size === 0) throw noRows(request, found.faults[0]);
  const decided = found.decide(request);
  if (found.names.size === 0) throw noRows(request, found.faults[0]);
  return {
    names: found.names,
    columns: found.columns!,
    survey: {
      ...decided,
      rowCount: found.names.size,
      faultCount: found.faultCount,
      faults: found.faults,
      warnings: found.warnings,
    },
  };
}

function noRows(request: TagListRequest, first: ListFault | undefined): AppError {
  const why = first === undefined ? "it has no rows" : `line ${first.line}: ${first.reason}`;
  return new AppError("bad_request", `No line of ${nameOf(request)} is a tag; ${why}`, {
    remedy: "Name a tag list: lines of name, category number, count and aliases",
  });
}

function nameOf({ path, fileName }: TagListRequest): string {
  return fileName ?? path;
}

async function* readListLines(path: string): AsyncGenerator<TextLine[]> {
  yield* readTextLines(readPieces(path), TAG_LIST_LINE_BYTES_MAX);
}

/** Bytes of a file; those that gzip compressed it from. */
async function* readPieces(path: string): AsyncGenerator<Uint8Array> {
  using file = await openList(path);
  const isCompressed = await startsWithGzip(file);
  const pieces = isCompressed ? decompress(readFile(file), path) : readFile(file);
  let byteCount = 0;
  for await (const piece of pieces) {
    byteCount += piece.length;
    if (byteCount > TAG_LIST_BYTES_MAX) {
      throw new AppError(
        "payload_too_large",
        `Cannot import ${path}: it has more than ${TAG_LIST_BYTES_MAX} bytes`,
      );
    }
    yield piece;
  }
}

async function openList(path: string): Promise<Deno.FsFile> {
  try {
    const { isFile, isDirectory } = await Deno.stat(path);
    if (isFile) return await Deno.open(path);
    const what = isDirectory ? "a folder" : "no regular file";
    throw new AppError("bad_request", `Cannot import ${path}: it is ${what}`, {
      remedy: "Name the CSV file itself",
    });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new AppError("not_found", `There is no file ${path}`, {
        remedy: "Check the spelling",
        cause: error,
      });
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new AppError("forbidden", `Cannot read ${path}: this user may not`, {
        remedy: "Make the file readable for this user",
        cause: error,
      });
    }
    throw error;
  }
}

async function startsWithGzip(file: Deno.FsFile): Promise<boolean> {
  const start = new Uint8Array(2);
  const count = await file.read(start);
  await file.seek(0, Deno.SeekMode.Start);
  return count === 2 && start[0] === 0x1f && start[1] === 0x8b;
}

async function* readFile(file: Deno.FsFile): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (;;) {
    const bytes = new Uint8Array(READ_BYTES);
    const count = await file.read(bytes);
    if (count === null) return;
    yield bytes.subarray(0, count);
  }
}

async function* decompress(
  pieces: AsyncIterable<Uint8Array<ArrayBuffer>>,
  path: string,
): AsyncGenerator<Uint8Array> {
  const reader = ReadableStream.from(pieces).pipeThrough(new DecompressionStream("gzip"))
    .getReader();
  try {
    for (;;) {
      const { value, done } = await reader.read().catch((error) => {
        throw new AppError("bad_request", `Cannot import ${path}: it is no whole gzip file`, {
          remedy: "Fetch it again, or unpack it",
          cause: error,
        });
      });
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
