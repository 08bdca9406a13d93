import { join } from "node:path";
import { commandLine } from "../base/command_line.ts";
import { AppError } from "../base/errors.ts";
import { configureLogging, escapeControls, toJsonText } from "../base/log.ts";
import {
  COMMON_OPTIONS,
  parseOptions,
  type Surroundings,
  toCommonConfig,
  toPath,
} from "../config.ts";
import { checkDatabase } from "../library/backup.ts";
import { type BackupFile, listBackups } from "../library/backup_files.ts";
import { findLibraryPaths, type LibraryPaths } from "../library/library_paths.ts";
import { describeLostDatabase } from "../library/lost_database.ts";
import { restoreBackup, type RestorePlan, type RestoreReport } from "../library/restore.ts";
import { listenForInterrupts } from "./interrupt.ts";

const MEGABYTE = 1_000_000;

/**
 * Runs `restore`: 0 = the backup is in its place and so is every file, or the list was printed; 1 = files
 * are missing; 2 = the library is as it was.
 */
export async function runRestore(around: Surroundings): Promise<number> {
  const { values, positionals } = parseOptions(around.args, {
    ...COMMON_OPTIONS,
    yes: { type: "boolean" },
    force: { type: "boolean" },
    json: { type: "boolean" },
  });
  if (positionals.length !== 1) {
    throw new AppError("bad_request", "Cannot restore: one backup must be named", {
      remedy: "Use " +
        commandLine("restore FILE|latest|list [--library DIR] [--yes] [--force] [--json]"),
    });
  }
  const config = toCommonConfig(values, around);
  configureLogging({ level: config.logLevel, isTerminal: Deno.stderr.isTerminal() });
  const paths = await findLibraryPaths(config.library);
  const isJson = values.json === true;
  if (positionals[0] === "list") {
    printList(paths, await findBackups(paths), isJson);
    return 0;
  }
  const file = positionals[0] === "latest"
    ? await findLatest(paths)
    : toPath(positionals[0], around);
  const isSure = values.yes === true;
  if (!isSure && (isJson || !Deno.stdin.isTerminal())) {
    throw new AppError("bad_request", "Cannot ask whether to restore: there is no terminal", {
      remedy: "Add --yes if the database of the library is to be replaced",
    });
  }
  using interrupts = listenForInterrupts();
  const report = await restoreBackup(paths, file, {
    force: values.force === true,
    signal: interrupts.signal,
    confirm: (plan) => isSure || confirm(describePlan(plan)),
  });
  console.log(isJson ? toJsonText(toJson(report)) : describe(report));
  return report.files.missing.count > 0 ? 1 : 0;
}

/** The backups of a library, whose database may be lost; a misspelt folder is none that has no backups. */
async function findBackups(paths: LibraryPaths): Promise<BackupFile[]> {
  const backups = await listBackups(paths.backups);
  if (backups.length === 0 && await describeLostDatabase(paths) === null) {
    await checkDatabase(paths);
  }
  return backups;
}

async function findLatest(paths: LibraryPaths): Promise<string> {
  const latest = (await findBackups(paths)).find(({ kind }) => kind === "backup");
  if (latest !== undefined) return latest.path;
  throw new AppError("not_found", `There is no backup in ${paths.backups}`, {
    remedy: `Make one with: ${commandLine("backup")}; or name the file of one that is elsewhere`,
  });
}

function printList(paths: LibraryPaths, backups: readonly BackupFile[], isJson: boolean): void {
  if (isJson) {
    const entries = backups.map((backup) => ({
      path: backup.path,
      kind: backup.kind,
      made_at: backup.madeAt,
      size_bytes: backup.sizeBytes,
      has_checksum: backup.hasChecksum,
    }));
    console.log(toJsonText({ backups: entries }));
    return;
  }
  if (backups.length === 0) console.log(escapeControls(`No backups in ${paths.backups}`));
  for (const { madeAt, kind, sizeBytes, name } of backups) {
    const size = `${(sizeBytes / MEGABYTE).toFixed(1)} MB`;
    const line = `${madeAt}  ${kind.padEnd(16)}  ${size.padStart(10)}  ${
      join(paths.backups, name)
    }`;
    console.log(escapeControls(line));
  }
}

function describePlan({ from, to, images, current }: RestorePlan): string {
  const what = current === null
    ? "There is no database in the library now."
    : current === "damaged"
    ? "The database of the library, which is damaged, becomes a backup."
    : `The database of the library, with ${current.images} images, becomes a backup.`;
  return escapeControls(`Put back ${from}, with ${images} images, in ${to}? ${what}`);
}

function toJson({ files, ...report }: RestoreReport) {
  return {
    from: report.from,
    images: report.images,
    kept: report.kept,
    has_checksum: report.hasChecksum,
    dangling_rows: report.danglingRows,
    files_brought_back: files.broughtBack,
    files_missing: files.missing,
    files_without_image: files.strays,
    trash_folders_without_entry: files.trashFolders,
    folders_unreachable: files.unreachable,
    elapsed_ms: Math.round(report.elapsedMs),
  };
}

function describe({ files, ...report }: RestoreReport): string {
  const { missing, strays, trashFolders, unreachable, broughtBack } = files;
  const lines = [
    `Restored: ${report.from}`,
    `  ${report.images} images; ` +
    (report.hasChecksum ? "its checksum was right" : "there was no checksum beside it"),
    ...(report.kept === null ? [] : [`  the database from before: ${report.kept}`]),
    ...(broughtBack > 0 ? [`  ${toFiles(broughtBack)} came back from the trash`] : []),
    ...(missing.count > 0
      ? [
        `  ${toFiles(missing.count)} missing; ${commandLine("check")} names all of them`,
        ...examplesOf(missing),
      ]
      : []),
    ...(strays.count > 0
      ? [
        `  ${toFiles(strays.count)} without an image; ${
          commandLine("check --repair orphan_file")
        } takes them in`,
        ...examplesOf(strays),
      ]
      : []),
    ...(trashFolders > 0
      ? [
        `  ${trashFolders} ${
          trashFolders === 1 ? "folder" : "folders"
        } of the trash without an entry; ${commandLine("check")} names them`,
      ]
      : []),
    ...unreachable.map((folder) => `  not looked at, since it is not there: ${folder}`),
  ];
  return lines.map(escapeControls).join("\n");
}

function toFiles(count: number): string {
  return count === 1 ? "1 file" : `${count} files`;
}

function examplesOf({ count, examples }: { count: number; examples: string[] }): string[] {
  const more = count - examples.length;
  return [
    ...examples.map((path) => `    ${path}`),
    ...(more > 0 ? [`    … and ${more} more`] : []),
  ];
}
