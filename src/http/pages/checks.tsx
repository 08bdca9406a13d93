import { CHECK_KIND_NAMES, type CheckKind, factsOf } from "../../library/check_kinds.ts";
import type { ShownResult } from "../task_results.ts";
import { formatBytes, formatCount, formatCounted, postUrl, visibleText } from "./format.ts";

type Result = ShownResult<"check">;
type ShownFinding = Result["findings"][number];

/** Findings of one kind that are listed; of the others only their number. */
const LISTED_MAX = 50;

/** Kinds whose number is that of an image. */
const OF_IMAGES: ReadonlySet<CheckKind> = new Set<CheckKind>([
  "missing_file",
  "wrong_hash",
  "changed_file",
  "unreadable_file",
  "outside_root",
  "tag_columns",
  "missing_thumbnail",
]);

/** What a check found, kind by kind, with a form that repairs what can be. */
export function CheckResultView({ result }: { result: Result }) {
  const { faults, counts, images, filesRead, bytesRead } = result;
  const kinds = CHECK_KIND_NAMES.filter((kind) => (counts[kind] ?? 0) > 0);
  return (
    <>
      <section class="panel" aria-labelledby="result">
        <h2 id="result" class={faults === 0 ? "good" : "bad"}>
          {faults === 0 ? "Nothing is wrong" : `${formatCounted(faults, "thing")} wrong`}
        </h2>
        <p>
          {formatCounted(images, "post")} looked at, {formatCounted(filesRead, "file")} read (
          {formatBytes(bytesRead)}).
        </p>
      </section>
      {kinds.map((kind) => (
        <KindView
          key={kind}
          kind={kind}
          count={counts[kind] ?? 0}
          findings={result.findings.filter((finding) => finding.kind === kind)}
        />
      ))}
      <RepairForm kinds={kinds} result={result} />
    </>
  );
}

type KindProps = { kind: CheckKind; count: number; findings: readonly ShownFinding[] };

function KindView({ kind, count, findings }: KindProps) {
  const facts = factsOf(kind);
  const repaired = findings.filter(({ state }) => state === "repaired").length;
  const shown = findings.slice(0, LISTED_MAX);
  return (
    <section class="panel" aria-labelledby={kind}>
      <h2 id={kind}>
        {formatCount(count)} × {facts.title}
      </h2>
      {repaired === count ? <p class="good">Repaired.</p> : (
        <p class="soft">
          {facts.repair === null ? toSentence(facts.remedy) : `A repair ${facts.repair}.`}
        </p>
      )}
      <details open={count <= 5}>
        <summary>Which</summary>
        <ul class="plain">
          {shown.map((finding, i) => <FindingView key={i} finding={finding} />)}
          {count > shown.length
            ? <li class="soft">and {formatCount(count - shown.length)} more</li>
            : null}
        </ul>
      </details>
    </section>
  );
}

function FindingView({ finding }: { finding: ShownFinding }) {
  const { kind, path, id, message, state, reason } = finding;
  return (
    <li>
      {id !== null && OF_IMAGES.has(kind)
        ? (
          <>
            <a href={postUrl({ id })}>Post {id}</a>
            {": "}
          </>
        )
        : null}
      {path === null || message.includes(path) ? null : (
        <>
          <code>
            <bdi>{visibleText(path)}</bdi>
          </code>
          {": "}
        </>
      )}
      {visibleText(message)}
      {state === "repaired" ? <span class="good">, repaired</span> : null}
      {state === "not_repaired"
        ? <span class="bad">, not repaired: {visibleText(reason ?? "nobody knows why")}</span>
        : null}
    </li>
  );
}

function toSentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** Kinds that can be repaired and of which something is left, each with a box. */
function RepairForm(
  { kinds, result }: { kinds: readonly CheckKind[]; result: Result },
) {
  const left = kinds.filter((kind) =>
    factsOf(kind).repair !== null &&
    result.findings.some((finding) => finding.kind === kind && finding.state !== "repaired")
  );
  if (left.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="repair">
      <h2 id="repair">Repair</h2>
      <form method="post" action="/library/check">
        <fieldset>
          <legend>What is to be repaired; nothing else is changed</legend>
          {left.map((kind) => (
            <p key={kind}>
              <input type="checkbox" id={`repair-${kind}`} name="repair" value={kind} />{" "}
              <label for={`repair-${kind}`}>
                {toSentence(factsOf(kind).title).slice(0, -1)}: {factsOf(kind).repair}
              </label>
            </p>
          ))}
        </fieldset>
        <button type="submit">Check again and repair what is ticked</button>
      </form>
    </section>
  );
}
