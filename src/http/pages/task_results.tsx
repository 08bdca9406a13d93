import type { ShownResult, TaskResult } from "../task_results.ts";
import { CheckResultView } from "./checks.tsx";
import { DUPLICATES_PATH } from "./duplicates.tsx";
import { formatBytes, formatCount, formatCounted, visibleText } from "./format.ts";
import { Lines, Result } from "./report_parts.tsx";
import { TRASH_PATH } from "./trash.tsx";
import { ScanResultView } from "./watch.tsx";

const MEBIBYTE = 1_048_576;

/** What a task did, in words. */
export function ResultView({ shown }: { shown: TaskResult }) {
  switch (shown.kind) {
    case "dedupe":
      return <DedupeView result={shown.result} />;
    case "remove-duplicate":
      return <RemovedView result={shown.result} />;
    case "check":
      return <CheckResultView result={shown.result} />;
    case "backup":
      return <BackupView result={shown.result} />;
    case "tag_import":
      return <TagImportView result={shown.result} />;
    case "bulk-edit":
    case "undo":
      return <OperationView result={shown.result} />;
    case "watch-scan":
      return <ScanResultView result={shown.result} />;
    case "empty-trash":
      return <EmptiedView result={shown.result} />;
    default:
      return <OtherView result={shown.result} />;
  }
}

function DedupeView({ result }: { result: ShownResult<"dedupe"> }) {
  const { dryRun, duplicatesFound, duplicatesRemoved, skipped, collisions, filesScanned } = result;
  const saved = formatBytes(result.spaceSavedMb * MEBIBYTE);
  return (
    <Result>
      <p>
        {formatCounted(filesScanned, "file")} looked at,{" "}
        {duplicatesFound === 1 ? "1 copy" : `${formatCount(duplicatesFound)} copies`} found.
      </p>
      {dryRun ? <p>Nothing was changed.</p> : (
        <p>
          {duplicatesRemoved === 1 ? "1 copy is" : `${formatCount(duplicatesRemoved)} copies are`}
          {" "}
          in the <a href={TRASH_PATH}>trash</a> now; emptying it gives the disk {saved} back.
        </p>
      )}
      {skipped.length + collisions.length === 0 ? null : (
        <p class="bad">
          {formatCounted(skipped.length + collisions.length, "thing")}{" "}
          left alone: the page of duplicates says why.
        </p>
      )}
      <p>
        <a class="button" href={DUPLICATES_PATH}>
          {dryRun && duplicatesFound > 0 ? "Look through the copies" : "Duplicates"}
        </a>
      </p>
    </Result>
  );
}

function RemovedView({ result }: { result: ShownResult<"remove-duplicate"> }) {
  return (
    <Result>
      <p>
        <code>
          <bdi>{visibleText(result.kept)}</bdi>
        </code>{" "}
        {result.isFound
          ? "stays; its other copies are in the trash."
          : "is no file with this content any more: nothing was done."}
      </p>
      <p>
        <a href={DUPLICATES_PATH}>Duplicates</a>
      </p>
    </Result>
  );
}

function BackupView({ result }: { result: ShownResult<"backup"> }) {
  const { path, sizeBytes, images, tags, removed } = result;
  return (
    <Result>
      <p>
        The database was copied, and the copy read back: {formatCounted(images, "post")},{" "}
        {formatCounted(tags, "tag")}, {formatBytes(sizeBytes)}.
      </p>
      <pre class="command">
        <code>{visibleText(path)}</code>
      </pre>
      {removed.length === 0
        ? null
        : <p class="soft">{formatCounted(removed.length, "older backup")} made room for it.</p>}
      <p class="soft">
        Pictures and films are not in it: copy the folders images and trash to another disk as well.
      </p>
    </Result>
  );
}

function TagImportView({ result }: { result: ShownResult<"tag_import"> }) {
  const { dryRun, numbering, isGuess, rows, badRows, faults, warnings, warningCount } = result;
  const counts: [string, number][] = [
    ["Names that are new", result.added],
    ["Names with another category or count", result.updated],
    ["Names as before", result.unchanged],
    ["Tags of the library that got a category", result.categoriesChanged],
    ["Aliases that are new", result.aliasesAdded],
    ["Aliases that changed", result.aliasesUpdated],
    ["Aliases as before", result.aliasesUnchanged],
    ["Aliases that went, since their name is a tag", result.aliasesRemoved],
    ["Aliases left out", result.aliasesLeftOut],
  ];
  return (
    <Result>
      <p>
        {dryRun ? "Nothing was written. " : ""}
        {formatCounted(rows, "row")} used, numbered as {visibleText(numbering)} does
        {isGuess ? " (a guess: import it again with the right one if categories are wrong)" : ""}.
      </p>
      <dl class="facts-list wide">
        {counts.filter(([, count]) => count > 0).map(([name, count]) => (
          <div>
            <dt>{name}</dt>
            <dd>{formatCount(count)}</dd>
          </div>
        ))}
      </dl>
      <Lines
        title={`${formatCounted(badRows, "row")} could not be used`}
        count={badRows}
        lines={faults.map(({ line, reason }) => `Line ${line}: ${reason}`)}
      />
      <Lines
        title={`${formatCounted(warningCount, "line")} done otherwise than they say`}
        count={warningCount}
        lines={warnings.map(({ line, message }) => `Line ${line}: ${message}`)}
      />
    </Result>
  );
}

function OperationView({ result }: { result: ShownResult<"bulk-edit"> }) {
  const { changed, matched, total } = result;
  const id = result.operationId ?? result.id ?? null;
  const all = matched ?? total;
  return (
    <Result>
      <p>
        {formatCount(changed)}
        {all === undefined ? "" : ` of ${formatCount(all)}`} posts changed.
      </p>
      {id === null ? null : (
        <p>
          <a href={`/operations/${id}`}>What changed, and how to undo it</a>
        </p>
      )}
    </Result>
  );
}

function EmptiedView({ result }: { result: ShownResult<"empty-trash"> }) {
  const { emptied, freedBytes, kept } = result;
  return (
    <Result>
      <p>
        {emptied === 1 ? "1 entry" : `${formatCount(emptied)} entries`} removed for good,{" "}
        {formatBytes(freedBytes)} freed.
      </p>
      <Lines
        title={`${formatCount(kept.length)} stay in the trash`}
        count={kept.length}
        lines={kept.map(({ id, reason }) => `Entry ${id}: ${reason}`)}
      />
      <p>
        <a href={TRASH_PATH}>Trash</a>
      </p>
    </Result>
  );
}

type Plain = string | number | boolean | null;

/** A result nobody wrote words for: names with values if it is that simple, else as JSON. */
function OtherView({ result }: { result: unknown }) {
  const entries = typeof result === "object" && result !== null ? Object.entries(result) : [];
  const isFlat = !Array.isArray(result) && entries.length > 0 &&
    entries.every(([, value]) => value === null || typeof value !== "object");
  return (
    <Result>
      {isFlat
        ? (
          <dl class="facts-list wide">
            {(entries as [string, Plain][]).map(([name, value]) => (
              <div>
                <dt>{visibleText(toWords(name))}</dt>
                <dd>{visibleText(String(value ?? "none"))}</dd>
              </div>
            ))}
          </dl>
        )
        : <pre class="raw">{visibleText(JSON.stringify(result, null, 2))}</pre>}
    </Result>
  );
}

/** `imagesChanged` as `Images changed`. */
function toWords(name: string): string {
  const words = name.replaceAll("_", " ").replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter}`)
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
