import { withoutRemedy } from "../../library/watch_ask.ts";
import type { WatchRootStatus, WatchState } from "../../library/watched_root.ts";
import type { ShownResult } from "../task_results.ts";
import { formatAge, formatCount, formatCounted, visibleText } from "./format.ts";
import { Lines, Result } from "./report_parts.tsx";

/** A watched folder as the page of the library shows it; `known` is null while nobody looked at it. */
export type ShownRoot = { name: string; path: string; status: WatchRootStatus | null };

const STATES: Readonly<Record<WatchState, string>> = {
  stopped: "Not watched",
  scanning: "Is being looked through",
  watching: "Watched",
  unavailable: "Not there as it should be: nothing is concluded from it",
  asks: "Asks before it goes on",
};

/** Folders from which files come, how each stands, and the answers to what they ask. */
export function WatchPanel({ roots, isWatching }: { roots: ShownRoot[]; isWatching: boolean }) {
  return (
    <section class="panel" aria-labelledby="watch">
      <h2 id="watch">Folders</h2>
      <p class="soft">
        {isWatching
          ? "New files are taken in by themselves; moved and renamed ones keep their tags."
          : (
            <>
              New files are taken in when you scan: the server was started without{" "}
              <code class="word">--watch</code>.
            </>
          )}
      </p>
      <ul class="plain roots">
        {roots.map((root) => <RootView key={root.name} root={root} />)}
      </ul>
      <form method="post" action="/library/scan">
        <button type="submit">Scan now</button>
      </form>
    </section>
  );
}

function RootView({ root: { name, path, status } }: { root: ShownRoot }) {
  const isHalted = status?.state === "asks" || status?.state === "unavailable";
  return (
    <li>
      <h3>
        <bdi>{visibleText(name)}</bdi>
      </h3>
      <p class="soft">
        <code>
          <bdi>{visibleText(path)}</bdi>
        </code>
      </p>
      {status === null
        ? <p>Not looked at since the server was started.</p>
        : (
          <p class={isHalted ? "bad" : ""}>
            {STATES[status.state]}
            {status.lastScanAt === null
              ? ""
              : `: ${formatCounted(status.filesSeen, "file")}, scanned ${
                formatAge(status.lastScanAt)
              }`}
            {status.queued > 0 ? `, ${formatCounted(status.queued, "file")} waiting` : ""}.
          </p>
        )}
      {status?.message ? <p>{visibleText(withoutRemedy(status.message))}</p> : null}
      {status === null || !isHalted
        ? null
        : status.editedAsked === null
        ? <Question status={status} />
        : <EditQuestion status={status} edited={status.editedAsked} />}
      {status === null ? null : <Problems problems={status.problems} />}
    </li>
  );
}

function Question({ status }: { status: WatchRootStatus }) {
  const { name, state, missingAsked } = status;
  const root = encodeURIComponent(name.toWellFormed());
  const files = missingAsked === null ? "its files" : formatCounted(missingAsked, "file");
  return (
    <>
      <p>Nothing is forgotten until you say so: posts stay, with their tags.</p>
      <form method="post" action="/library/scan">
        <button type="submit" aria-label={`It was only unplugged: look again (${name})`}>
          It was only unplugged: look again
        </button>
      </form>
      <details>
        <summary aria-label={`They are gone for good (${name})`}>
          They are gone for good
        </summary>
        <form method="post" action={`/library/watch/${root}/accept`}>
          <p>
            {state === "asks"
              ? `${files} will be marked as missing.`
              : `The folder as it is now will be taken for the right one, and ${files} that are ` +
                "not in it will be marked as missing."} If they come back, they are found again.
          </p>
          <button type="submit" class="danger">Mark them as missing</button>
        </form>
      </details>
    </>
  );
}

function EditQuestion({ status, edited }: { status: WatchRootStatus; edited: number }) {
  const root = encodeURIComponent(status.name.toWellFormed());
  const files = formatCounted(edited, "file");
  return (
    <>
      <p>Nothing is changed until you say so: posts stay as they are, with their tags.</p>
      <details>
        <summary aria-label={`They were edited (${status.name})`}>They were edited</summary>
        <form method="post" action={`/library/watch/${root}/accept`}>
          <p>The posts of {files} will show what is in them now, and keep their tags.</p>
          <button type="submit" class="danger">Take them for edited</button>
        </form>
      </details>
    </>
  );
}

function Problems({ problems }: { problems: readonly { path: string; reason: string }[] }) {
  return (
    <Lines
      title={`${formatCounted(problems.length, "file")} with a problem`}
      count={problems.length}
      lines={problems.toReversed().map(({ path, reason }) => `${path}: ${reason}`)}
    />
  );
}

/** What a scan did in each folder. */
export function ScanResultView({ result }: { result: ShownResult<"watch-scan"> }) {
  const isAsking = result.roots.some(({ state }) => state === "asks" || state === "unavailable");
  return (
    <Result>
      <ul class="plain roots">
        {result.roots.map((root) => (
          <li>
            <h3>
              <bdi>{visibleText(root.name)}</bdi>
            </h3>
            <p>{describeScan(root)}</p>
            {root.message === null
              ? null
              : <p class="bad">{visibleText(withoutRemedy(root.message))}</p>}
            <Problems problems={root.problems} />
          </li>
        ))}
      </ul>
      <p>
        <a class="button" href="/library#watch">
          {isAsking ? "Say what is right" : "Folders"}
        </a>
      </p>
    </Result>
  );
}

function describeScan(root: ShownResult<"watch-scan">["roots"][number]): string {
  const parts: [number, string][] = [
    [root.added, "new"],
    [root.known, "known already"],
    [root.replaced, "edited"],
    [root.moved, "moved or renamed"],
    [root.missing, "missing"],
    [root.returned, "back again"],
    [root.sidecars, "with more tags"],
    [root.failed, "failed"],
  ];
  const told = parts.filter(([count]) => count > 0)
    .map(([count, text]) => `${formatCount(count)} ${text}`);
  return told.length === 0 ? "Nothing new." : `Files: ${told.join(", ")}.`;
}
