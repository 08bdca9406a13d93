import { commandLine } from "../base/command_line.ts";
import { AppError } from "../base/errors.ts";
import { fileErrorCode, toFileError } from "../media/file_error.ts";

/** What a kind of finding is, and what can be done about it. */
export type CheckKindFacts = {
  /** What is wrong, in a few words; of one. */
  title: string;
  /** What a person can do about it. */
  remedy: string;
  /** What `repair` does about it; null: nothing, since it needs a person. */
  repair: string | null;
  /** Whether a sound library has it too, so that it is told and is no fault. */
  isNote?: true;
};

const BACKUP = "put the file back from a backup of your pictures, or delete the image";
const REBUILD: string = commandLine("rebuild");
const RESTORE: string = commandLine("restore latest");

/** Every kind of finding, in the order of reports. */
export const CHECK_KINDS = {
  root_unavailable: {
    title: "a folder that is not there, or empty",
    remedy: "connect its disk, or put the folder back; nothing was forgotten",
    repair: null,
  },
  integrity: {
    title: "damage within the database",
    remedy: `make a copy of data/booru.db, then use: ${REBUILD}, or ${RESTORE}`,
    repair: null,
  },
  missing_file: {
    title: "a file that is not where it should be",
    remedy: `${BACKUP}; importing the same file again brings it back with its tags`,
    repair: null,
  },
  wrong_hash: {
    title: "a file whose bytes are not those that were imported",
    remedy: `${BACKUP}; if you edited it in its own folder, import that folder again`,
    repair: null,
  },
  md5_collision: {
    title: "a file with the MD5 of an image and other bytes",
    remedy: "keep it elsewhere: the library tells contents apart by their MD5",
    repair: null,
  },
  unreadable_file: {
    title: "a file or folder that cannot be read",
    remedy: "let this user read it, and look after the disk if it reports errors",
    repair: null,
  },
  outside_root: {
    title: "a path or link that leads out of its folder",
    remedy: "put the file itself in the place of the link",
    repair: null,
  },
  name_not_utf8: {
    title: "a file whose name is not UTF-8, so that it cannot be opened",
    remedy: "rename it, for example with convmv",
    repair: null,
  },
  shared_path: {
    title: "one path that two images claim",
    remedy: "import the files of both once more, or delete the one that is not there",
    repair: null,
  },
  changed_file: {
    title: "a file with its old bytes and another time or inode",
    remedy: "--repair changed_file",
    repair: "records size, time and inode as they are now",
  },
  orphan_file: {
    title: "a file in the images folder that is no image's",
    remedy: "--repair orphan_file, or move it out of the images folder",
    repair: "adds it to the library where it lies, with its sidecars",
  },
  orphan_row: {
    title: "a row that refers to what is gone",
    remedy: `--repair orphan_row; rows that hold more than a link stay until: ${REBUILD}`,
    repair: "removes such rows of link tables; a copy goes into the journal",
  },
  tag_columns: {
    title: "an image whose tags_* columns are not its tags",
    remedy: "--repair tag_columns",
    repair: "writes the columns anew from the tags",
  },
  full_text: {
    title: "a fault of the full-text table (which the original searches in)",
    remedy: "--repair full_text",
    repair: "makes the table anew from the images",
  },
  duplicate_tag: {
    title: "one tag in two spellings",
    remedy: "give its images the other one, or make the one an alias of the other",
    repair: null,
  },
  unfinished_trash: {
    title: "a move to or from the trash that was interrupted",
    remedy: "--repair unfinished_trash, or serve the library",
    repair: "finishes it",
  },
  missing_trash_file: {
    title: "a file that is not in the trash where it should be",
    remedy: "restore the others of its entry, or empty it",
    repair: null,
  },
  orphan_trash: {
    title: "a folder of the trash that no entry knows",
    remedy: `${REBUILD} takes it back; else look into it and remove it`,
    repair: null,
  },
  pending_operation: {
    title: "an operation that has not come to its end",
    remedy:
      "nothing, while the server is at work on it; else serve the library: it goes on there, or waits on " +
      "its page of the history to be continued or taken back",
    repair: null,
    isNote: true,
  },
  leftover_incoming: {
    title: "what an interrupted import left in images/.incoming",
    remedy: "--repair leftover_incoming, or import anything",
    repair: "removes half copies; files that are whole stay, as orphan_file",
  },
  missing_thumbnail: {
    title: "a picture without a thumbnail",
    remedy: "--repair missing_thumbnail, or look at it in the browser: then it is made",
    repair: "makes it",
  },
  orphan_thumbnail: {
    title: "a thumbnail that is no image's",
    remedy: "--repair orphan_thumbnail",
    repair: "removes it: thumbnails are made from the pictures",
  },
  unused_tag: {
    title: "a tag that no image has",
    remedy: "--repair unused_tag, if you do not mean to use it",
    repair: "removes it; a copy goes into the journal",
    isNote: true,
  },
} as const satisfies Record<string, CheckKindFacts>;

/** Names of the kinds of findings. */
export type CheckKind = keyof typeof CHECK_KINDS;

/** What is known of a kind. */
export function factsOf(kind: CheckKind): CheckKindFacts {
  return CHECK_KINDS[kind];
}

/** Every kind, in the order of reports. */
export const CHECK_KIND_NAMES = Object.keys(CHECK_KINDS) as CheckKind[];

/** Kinds that can be repaired, in the order in which they are. */
export const REPAIRABLE_KINDS: readonly CheckKind[] = CHECK_KIND_NAMES.filter((kind) =>
  factsOf(kind).repair !== null
);

/** One thing that is wrong. */
export type Finding = {
  kind: CheckKind;
  /** Stored path, or an absolute one for what has none; null if it is about no file. */
  path: string | null;
  /** Number of the image, tag, entry of the trash or operation that it is about. */
  id: number | null;
  message: string;
  state: "found" | "repaired" | "not_repaired";
  /** Why it was not repaired. */
  reason: string | null;
};

/** Makes a finding. */
export function finding(
  kind: CheckKind,
  about: { path?: string | null; id?: number | null; message: string },
): Finding {
  const { path = null, id = null, message } = about;
  return { kind, path, id, message, state: "found", reason: null };
}

/**
 * A finding of what could not be looked at.
 *
 * @throws Whatever is no failure of the file system.
 */
export function unreadable(path: string, error: unknown): Finding {
  const isOfFiles = error instanceof AppError
    ? error.details?.system !== undefined
    : fileErrorCode(error) !== "EUNKNOWN";
  if (!isOfFiles) throw error;
  return finding("unreadable_file", { path, message: toFileError("read", path, error).message });
}
