import { formatCounted, visibleText } from "./format.ts";

/** What became of the tags of a post. */
export type SavedMessage = {
  kind: "saved";
  added: string[];
  removed: string[];
  /** What came and went with these by implications. */
  implied?: { added: string[]; removed: string[] };
  /** Names that were written, and the tags that they mean. */
  aliases?: Record<string, string>;
};

/** What a page reports about what was just done. */
export type PageMessage =
  | SavedMessage
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

function SavedTags({ added, removed, implied, aliases = {} }: SavedMessage) {
  const [came, went] = [implied?.added ?? [], implied?.removed ?? []];
  if (added.length + removed.length + came.length + went.length === 0) {
    return <p>Saved. No tag changed.</p>;
  }
  return (
    <>
      <p>Saved.</p>
      {added.length > 0 ? <ChangedTags label="added" names={added} /> : null}
      {removed.length > 0 ? <ChangedTags label="removed" names={removed} /> : null}
      {came.length > 0 ? <ChangedTags label="added, as implied" names={came} /> : null}
      {went.length > 0 ? <ChangedTags label="removed, as implied no more" names={went} /> : null}
      {Object.entries(aliases).slice(0, NAMES_SHOWN_MAX).map(([name, tag]) => (
        <p key={name}>{visibleText(name)} means {visibleText(tag)}.</p>
      ))}
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
