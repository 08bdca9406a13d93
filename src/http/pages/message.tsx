import { formatCounted, visibleText } from "./format.ts";

/** What a page reports about what was just done. */
export type PageMessage =
  | { kind: "saved"; added: string[]; removed: string[] }
  | { kind: "done"; text: string }
  | { kind: "error"; text: string; remedy?: string | null };

/** Shows a message in a box that screen readers announce. */
export function Message({ message }: { message: PageMessage | null }) {
  if (message === null) return null;
  if (message.kind === "error") {
    return (
      <div class="message bad" role="alert">
        <p>{visibleText(message.text)}</p>
        {message.remedy ? <p>{visibleText(message.remedy)}</p> : null}
      </div>
    );
  }
  return (
    <div class="message good" role="status">
      {message.kind === "done" ? <p>{visibleText(message.text)}</p> : <SavedTags {...message} />}
    </div>
  );
}

function SavedTags({ added, removed }: { added: string[]; removed: string[] }) {
  if (added.length + removed.length === 0) return <p>Saved. No tag changed.</p>;
  return (
    <>
      <p>Saved.</p>
      {added.length > 0 ? <ChangedTags label="added" names={added} /> : null}
      {removed.length > 0 ? <ChangedTags label="removed" names={removed} /> : null}
    </>
  );
}

/** Tags named one by one in a message; more are only counted. */
const NAMES_SHOWN_MAX = 20;

function ChangedTags({ label, names }: { label: string; names: string[] }) {
  const more = names.length - NAMES_SHOWN_MAX;
  return (
    <p>
      {formatCounted(names.length, "tag")} {label}:{" "}
      {names.slice(0, NAMES_SHOWN_MAX).map(visibleText).join(" ")}
      {more > 0 ? ` and ${more} more` : null}
    </p>
  );
}
