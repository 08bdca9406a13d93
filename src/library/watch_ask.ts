import { commandLine, quoteArgument } from "../base/command_line.ts";
import { log } from "../base/log.ts";
import { Slice } from "../base/slice.ts";
import { readRecordedPlace } from "../store/missing_files.ts";
import type { Library } from "./library.ts";
import { type ScanFindings, toPlacePath } from "./watch_scan.ts";
import type { FolderProbe, WatchedRoot } from "./watched_root.ts";

const IF_RIGHT = "If that is right, ";

/** Why nothing is concluded from a folder. */
export type Halt = {
  state: "unavailable" | "asks";
  message: string;
  missing?: number;
  gone?: number;
  edited?: number;
};

/** Stops concluding anything from a folder; the next scan is due in its time, or when it looks otherwise. */
export function halt(
  root: WatchedRoot,
  probe: FolderProbe,
  reason: Halt,
): void {
  if (root.message !== reason.message) {
    log("watch").warn("{name}: {message}", { name: root.plan.name, message: reason.message });
  }
  root.missingAsked = reason.missing ?? null;
  root.goneAsked = reason.gone ?? reason.missing ?? 0;
  root.editedAsked = reason.edited ?? null;
  root.refuseFolder(probe, reason);
}

/** While it asks about edited files, how many there are now, unread; null if it does not, or was answered. */
export async function countStillAsked(
  library: Library,
  root: WatchedRoot,
  { fresh }: ScanFindings,
): Promise<number | null> {
  if (root.editedAsked === null || root.accepted !== null) return null;
  const slice = new Slice();
  let changed = 0;
  for (const { path } of fresh) {
    const place = readRecordedPlace(library.core.reader, toPlacePath(root.plan, path));
    if (place !== undefined) changed++;
    if (slice.isOver) await slice.yield();
  }
  return changed;
}

/** The question whether files that have another content now were edited. */
export function askAboutEdits(root: WatchedRoot, edited: number, recorded: number): Halt {
  const question = describeOtherContents({ path: root.plan.path, changed: edited, recorded });
  const message = `${question} ${toRemedy(root, "They were edited")}`;
  return { state: "asks", message, edited };
}

/** The same question in words, of a folder that is watched and of one that is to be imported. */
export function describeOtherContents(
  { path, changed, recorded, missing = 0 }: {
    path: string;
    changed: number;
    recorded: number;
    missing?: number;
  },
): string {
  const gone = missing === 0 ? "" : `, and ${missing} more are missing`;
  return `${changed} of ${recorded} recorded files of ${path} have other contents than before${gone}: ` +
    "is it the disk that you mean?";
}

/** The question whether files that are not there are gone for good. */
export function askAbout(root: WatchedRoot, missing: number, recorded: number): Halt {
  const message = `${missing} of ${recorded} recorded files of ${root.plan.path} are missing. ` +
    toRemedy(root);
  return { state: "asks", message, missing };
}

/**
 * How a person answers: by the page of the server that watches, since it keeps the command from watching
 * too; else by the command.
 */
export function toRemedy(
  { plan, asksOnPage }: WatchedRoot,
  answer: "They are gone for good" | "They were edited" = "They are gone for good",
): string {
  const how = asksOnPage
    ? `say so on the server's page /library: "${answer}"`
    : `confirm it: ${commandLine(`watch --accept-missing ${quoteArgument(plan.name)}`)}`;
  return `${IF_RIGHT}${how}`;
}

/** A question without how it is answered: for a page that has the button. */
export function withoutRemedy(message: string): string {
  const at = message.lastIndexOf(` ${IF_RIGHT}`);
  return at < 0 ? message : message.slice(0, at);
}
