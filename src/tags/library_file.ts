import * as z from "zod";
import { AppError } from "../base/errors.ts";

/*
 * What belongs to no single image, in one file at the top of an export. Entries are lists, since there may
 * be millions; images are named by their md5, which is theirs in any library.
 */

/** Name of the file. */
export const LIBRARY_FILE = "library.json";
/** What its `format` says. */
export const LIBRARY_FORMAT = "chibibooru-library";
/** Its version. */
export const LIBRARY_FILE_VERSION = 1;

const MD5 = z.string().regex(/^[0-9a-f]{32}$/i).transform((md5) => md5.toLowerCase());
const NAME = z.string();
const TEXT = z.string().nullable();
const CELL = z.union([z.string(), z.number()]).nullable();

/** Section → one of its entries. */
export type LibraryEntries = {
  /** Tags that no image has, and what the original says of others: name, category, further category. */
  tags: [name: string, category: string | null, extended: string | null];
  aliases: [antecedent: string, consequent: string, status: string, createdAtMs: number];
  /** Aliases that came from lists of sites, with the numbering of the list. */
  list_aliases: [antecedent: string, consequent: string, numbering: string];
  implications: [
    source: string,
    sourceCategory: string | null,
    implied: string,
    impliedCategory: string | null,
    inferenceType: string | null,
    confidence: number | null,
    createdAt: string | number | null,
    status: string | null,
  ];
  /** With its images and their numbers in the order; equal numbers are in the order of the list. */
  pools: {
    name: string;
    description: string | null;
    images: [md5: string, order: string | number | null][];
  };
  /** Two images, what they are to each other, and who says so. */
  relations: [
    left: string,
    right: string,
    type: string,
    source: string,
    createdAt: string | number | null,
  ];
  /** A person's edits of contents that are not in the library. */
  deltas: [
    md5: string,
    operation: "add" | "remove",
    name: string,
    category: string | null,
    timestamp: string | null,
  ];
  /** The sites that a person chose to speak for contents that are not in the library. */
  source_choices: [md5: string, source: string];
  settings: [key: "blacklisted_tags" | "source_priority", value: string];
};

const ENTRIES: { [S in keyof LibraryEntries]: z.ZodType<LibraryEntries[S]> } = {
  tags: z.tuple([NAME, TEXT, TEXT]),
  aliases: z.tuple([NAME, NAME, z.string(), z.number()]),
  list_aliases: z.tuple([NAME, NAME, z.string()]),
  implications: z.tuple([NAME, TEXT, NAME, TEXT, TEXT, z.number().nullable(), CELL, TEXT]),
  pools: z.object({ name: NAME, description: TEXT, images: z.array(z.tuple([MD5, CELL])) }),
  relations: z.tuple([MD5, MD5, NAME, z.string(), CELL]),
  deltas: z.tuple([MD5, z.enum(["add", "remove"]), NAME, TEXT, TEXT]),
  source_choices: z.tuple([MD5, NAME]),
  settings: z.tuple([z.enum(["blacklisted_tags", "source_priority"]), z.string()]),
};

/** A part of the file. */
export type LibrarySection = keyof LibraryEntries;

/** Sections in the order of the file, in which they are read too. */
export const LIBRARY_SECTIONS: readonly LibrarySection[] = Object.keys(ENTRIES) as LibrarySection[];

/** An entry of a section. */
export type LibraryEntry<S extends LibrarySection> = LibraryEntries[S];

/** Some entries of one section. */
export type LibraryPart = {
  [S in LibrarySection]: { section: S; entries: LibraryEntry<S>[] };
}[LibrarySection];

/** The first line of the file. */
export type LibraryHeader = {
  format: typeof LIBRARY_FORMAT;
  version: number;
  library_id: string;
  /** When the export ended, in milliseconds. */
  exported_at_ms: number;
  /** Text sidecars that were there before and are others'; null: too many to name. */
  kept: string[] | null;
};

const HEADER: z.ZodType<LibraryHeader> = z.object({
  format: z.literal(LIBRARY_FORMAT),
  version: z.int().min(1),
  library_id: z.string(),
  exported_at_ms: z.number(),
  kept: z.array(z.string()).nullable(),
});

/** Writes the beginning of the file, up to its first section. */
export function writeLibraryHeader(header: LibraryHeader): string {
  return `${JSON.stringify(header).slice(0, -1)},\n`;
}

/** Reads the beginning of the file; null if it is another program's. */
export function readLibraryHeader(firstLine: string): LibraryHeader | null {
  try {
    return HEADER.parse(JSON.parse(`${firstLine.trimEnd().replace(/,$/, "")}}`));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return null;
    throw error;
  }
}

/** Whether a document is such a file; what else is so called is somebody else's. */
export function isLibraryFile(document: unknown): boolean {
  return typeof document === "object" && document !== null &&
    (document as Record<string, unknown>).format === LIBRARY_FORMAT;
}

/**
 * Reads the file, some entries at a time; nothing if it is another program's.
 *
 * @throws {AppError} `bad_request` naming what is damaged, or that the file is newer than this program.
 */
export function* readLibraryFile(text: string, entriesAtOnce: number): Generator<LibraryPart> {
  const document = parse(text);
  if (!isLibraryFile(document)) return;
  const { version } = document as { version: unknown };
  if (version !== LIBRARY_FILE_VERSION) {
    throw new AppError("bad_request", `Cannot use ${LIBRARY_FILE}: its version is ${version}`, {
      remedy: "Use the newer ChibiBooru that wrote it",
    });
  }
  for (const section of LIBRARY_SECTIONS) {
    const found = (document as Record<string, unknown>)[section] ?? [];
    if (!Array.isArray(found)) throw damaged(`"${section}" is no list`);
    for (let i = 0; i < found.length; i += entriesAtOnce) {
      const result = z.array(ENTRIES[section] as z.ZodType).safeParse(
        found.slice(i, i + entriesAtOnce),
      );
      if (!result.success) {
        const [{ path, message }] = result.error.issues;
        const [index, ...inner] = path;
        throw damaged(`${[section, i + Number(index), ...inner].join(".")}: ${message}`);
      }
      yield { section, entries: result.data } as LibraryPart;
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw damaged(error.message);
  }
}

function damaged(reason: string): AppError {
  return new AppError("bad_request", `Cannot use ${LIBRARY_FILE}: ${reason}`);
}
