import type { Surroundings } from "../config.ts";
import { CHECK_KIND_NAMES, REPAIRABLE_KINDS } from "../library/check_kinds.ts";
import type { DedupeReport } from "../library/dedupe_report.ts";
import type { DedupeRun } from "./dedupe.ts";

/** A command of the program: what help says of it, and what runs it and gives the exit code. */
export type Command = {
  /** Usage and options, as lines of the help text; the first line is the usage. */
  help: string;
  load: () => Promise<(around: Surroundings) => Promise<number>>;
};

/**
 * Every command by its name, in the order of the help text. A command's modules are read only when it
 * runs: what walks a folder need not wait for a web server. Deno reads what a literal names before anything
 * runs, a third of a second for all commands; `as string` keeps it from that.
 */
export const COMMANDS: Record<string, Command> = {
  serve: {
    help: `serve [--library DIR] [--port 5000] [--host 127.0.0.1] [--public-url URL] [--watch]
        [--log-file FILE]
Serves the library as web pages and JSON. Makes an empty one if there is none.
--public-url  the address, as https://NAME, by which a proxy makes it known; several with commas
--watch       also imports what appears, as the command watch does (--rescan-minutes N is its option)
--log-file    writes the log as JSON lines to a file besides; it begins anew at 10 MB`,
    load: async () => (await import("./serve.ts" as string)).runServe,
  },
  import: {
    help: `import DIR… [--library DIR] [--copy | --move | --in-place [--accept-changed]]
        [--dry-run] [--json]
Adds the pictures and videos below some folders, with the tags of their sidecars.
--copy            copies files into the library; the originals stay (default)
--move            moves them into the library
--in-place        indexes them where they are; nothing is written there
--accept-changed  with --in-place: many files of a folder have other contents than before, and that is right
--dry-run         looks at everything and writes nothing
--json            prints the report as JSON`,
    load: async () => (await import("./import.ts" as string)).runImport,
  },
  watch: {
    help: `watch [--library DIR] [--rescan-minutes 10] [--once] [--accept-missing ROOT] [--json]
Imports what appears in the library's ingest/ folder, and follows what happens in folders that are indexed in
place: new, changed, renamed and vanished files. Files in ingest/ are moved; sidecars that were read, and files
that the library has already, go to ingest/.done.
--rescan-minutes  how often everything is looked through, besides what the system tells at once
--once            looks through everything once, and ends
--accept-missing  says that files that are missing in a folder are gone for good
--json            with --once: prints the report as JSON`,
    load: async () => (await import("./watch.ts" as string)).runWatch,
  },
  dedupe: {
    help: `dedupe [--library DIR] [--delete] [--include-in-place] [--remember] [--json]
Finds identical files of the library and of folders indexed in place; writes nothing by itself.
--delete            moves all but one of each to the trash: the first by its path stays, and takes over tags
--include-in-place  with --delete: also moves copies out of folders indexed in place
--remember          keeps the hashes, so that the next search reads less; --delete does so too
--json              prints the report as JSON`,
    load: async () => (await import("./dedupe.ts" as string)).runDedupe,
  },
  trash: {
    help: `trash [list | restore ID… | empty (--older-than DAYS | --all | ID…) | keep DAYS|never]
        [--library DIR] [--yes] [--json]
Lists what was deleted, brings it back, or removes it for good. By itself the trash is emptied only after
"keep DAYS", by the server.
--older-than  what is at least so many days in the trash
--all         everything
--yes         does not ask before something is removed for good
--json        prints the list or the report as JSON`,
    load: async () => (await import("./trash.ts" as string)).runTrash,
  },
  tags: {
    help: `tags import FILE.csv [--numbering danbooru|e621|merged|auto] [--dry-run] [--json]
Takes in a list of tags: names with category number, count and aliases, as CSV (also .csv.gz).
--numbering  how the list numbers categories; found out by default
--dry-run    looks at everything and writes nothing
--json       prints the report as JSON
tags implications list | preview A B | add A B [--pending] | approve A B | reject A B | remove A B
Lets images that have the tag A have B too. A proposal (--pending) waits to be approved.
tags aliases list | preview OLD NEW | add OLD NEW [--no-move] | approve OLD | remove OLD
Lets the name OLD mean the tag NEW in searches, edits and imports; images get NEW unless --no-move.`,
    load: async () => (await import("./tags.ts" as string)).runTags,
  },
  doctor: {
    help: `doctor [--library DIR] [--port PORT] [--backups DIR] [--json]
Looks at this machine and the library, and says what is in the way. Changes nothing.
--backups  the folder that backup --to writes to
--json     prints the findings as JSON`,
    load: async () => (await import("./doctor.ts" as string)).runDoctor,
  },
  check: {
    help: `check [--library DIR] [--no-hashes] [--repair KIND,KIND…] [--json]
Compares files, rows, hashes, thumbnails and trash; changes nothing but what --repair names.
--no-hashes  reads only files whose size, time or inode changed
--repair     repairs findings of these kinds: ${wrap(REPAIRABLE_KINDS)}
--json       prints the report as JSON, with every finding
Kinds: ${wrap(CHECK_KIND_NAMES)}`,
    load: async () => (await import("./check.ts" as string)).runCheck,
  },
  rebuild: {
    help: `rebuild [--library DIR] [--dry-run] [--json]
Makes the database anew from all rows that can be read, files, sidecars, metadata and your edits; also
when it is damaged or lost. The old one becomes a backup.
--dry-run  makes and checks the new database, and throws it away
--json     prints the report as JSON`,
    load: async () => (await import("./rebuild.ts" as string)).runRebuild,
  },
  backup: {
    help: `backup [--library DIR] [--to DIR] [--keep 7] [--json]
Copies the database while it is in use, and reads the copy back. Pictures and videos are not copied: do that
with images/ and trash/, for example by rsync.
--to DIR   where to; data/backups of the library by default
--keep N   backups of this library that stay there
--json     prints the report as JSON`,
    load: async () => (await import("./backup.ts" as string)).runBackup,
  },
  restore: {
    help: `restore FILE|latest|list [--library DIR] [--yes] [--force] [--json]
Puts a backup of the database in its place; the one that is there becomes a backup. No server may run.
latest    the newest of data/backups
list      prints the backups
--yes     does not ask
--force   also takes a backup of another library
--json    prints the report, or the list, as JSON`,
    load: async () => (await import("./restore.ts" as string)).runRestore,
  },
  export: {
    help:
      `export DIR [--library DIR] [--format gallery-dl|txt|both] [--query "TAGS"] [--with-files copy|none] [--json]
Writes tags and metadata as sidecars, and what belongs to no single image into library.json. An import of an
export with files into an empty library gives the same library; the history of edits and the trash stay.
--format      gallery-dl: JSON with all that is known; txt: a list of tags; both (default)
--query       only what this search finds
--with-files  copy: the pictures and videos too
--json        prints the report as JSON`,
    load: async () => (await import("./export.ts" as string)).runExport,
  },
};

/** The part of `dedupe` that writes, with all that a search alone can do without. */
export async function loadDedupeWriting(): Promise<(run: DedupeRun) => Promise<DedupeReport>> {
  return (await import("./dedupe_writing.ts" as string)).runDedupeWriting;
}

/** Names in lines that fit the help text. */
function wrap(names: readonly string[]): string {
  const lines: string[] = [];
  for (let i = 0; i < names.length; i += 4) lines.push(names.slice(i, i + 4).join(", "));
  return lines.join(",\n             ");
}
