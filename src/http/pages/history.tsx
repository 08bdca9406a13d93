import type { HistoryEntry, OperationView } from "../../library/history.ts";
import type { PostDifference } from "../../store/post_history.ts";
import { toTagTerm } from "../../query/tag_term.ts";
import { formatCounted, postsUrl, postUrl, visibleText } from "./format.ts";
import { Layout } from "./layout.tsx";
import { Message, type PageMessage } from "./message.tsx";
import type { PageStatus } from "./page_status.ts";
import { Time } from "./post_facts.tsx";

/** An entry as its page shows it. */
export type ShownEntry = HistoryEntry & {
  /** Path of the image's thumbnail; null when the image is not there any more. */
  thumbnail: string | null;
  /** The operation that it stands for, or is a part of. */
  operation: OperationView | null;
};

/** What {@link HistoryPage} needs. */
export type HistoryProps = {
  /** The post whose history it is; null: that of the whole library. */
  imageId: number | null;
  entries: ShownEntry[];
  /** Address of the page with older entries; null on the last one. */
  older: string | null;
  /** Address of the newest entries; null when this is them. */
  newest: string | null;
  message: PageMessage | null;
  status: PageStatus;
};

const KINDS: Readonly<Record<HistoryEntry["kind"], string>> = {
  tag_edit: "Tags",
  post_edit: "Post",
  bulk_edit: "Edit of many posts",
  pool_edit: "Pool",
  undo: "Undo",
};

/** Tags that one entry lists; more are only counted. */
const TAGS_SHOWN_MAX = 60;

/** What was edited, the newest first, with a button for each edit that takes it back. */
export function HistoryPage(props: HistoryProps) {
  const { imageId, entries, status, message } = props;
  const title = imageId === null ? "History" : `History of post ${imageId}`;
  return (
    <Layout title={title} query="" status={status} section="posts">
      <div class="head">
        <h1>{title}</h1>
        <p class="facts">
          {imageId === null ? null : (
            <>
              <a href={postUrl({ id: imageId })}>Post {imageId}</a>
              <a href="/history">All edits</a>
            </>
          )}
        </p>
      </div>
      <Message message={message} />
      <p class="soft">
        An undo takes back what an edit did, where it is still so; what was changed since stays. To
        undo an undo is to do the edit again.
      </p>
      {entries.length === 0
        ? (
          <div class="notice">
            <p>Nothing was edited here yet.</p>
          </div>
        )
        : (
          <ul class="trash">
            {entries.map((entry) => <Entry key={entry.id} entry={entry} ofPost={imageId} />)}
          </ul>
        )}
      <Pages {...props} />
    </Layout>
  );
}

function Pages({ older, newest }: HistoryProps) {
  if (older === null && newest === null) return null;
  return (
    <nav class="paging" aria-label="Pages">
      <ul>
        <li>{newest === null ? null : <a href={newest}>« Newest</a>}</li>
        <li>
          {older === null
            ? <span class="dead" aria-hidden="true">Older ›</span>
            : <a href={older} rel="next">Older ›</a>}
        </li>
      </ul>
    </nav>
  );
}

type EntryProps = { entry: ShownEntry; ofPost: number | null };

function Entry({ entry, ofPost }: EntryProps) {
  const { id, imageId, thumbnail, added, removed, other, undoes } = entry;
  const isGroup = ofPost === null && entry.operation !== null;
  return (
    <li class="panel" id={`edit-${id}`}>
      {thumbnail === null
        ? <span class="blank"></span>
        : <img src={thumbnail} alt="" width={96} height={96} loading="lazy" decoding="async" />}
      <div>
        <h2>
          {isGroup
            ? <OperationTitle operation={entry.operation!} />
            : <a href={postUrl({ id: imageId })}>Post {imageId}</a>}
        </h2>
        <p class="soft">
          {KINDS[entry.kind]}, edit {id} of <bdi>{visibleText(entry.editor)}</bdi>,{" "}
          <Time time={entry.editedAt} />
          {undoes === null || isGroup ? null : <>, takes back edit {undoes}</>}
        </p>
        {isGroup ? <OperationTags operation={entry.operation!} /> : (
          <>
            <Changes label="Added" sign="+" names={added} />
            <Changes label="Removed" sign="−" names={removed} />
            <OtherChanges other={other} />
            {added.length + removed.length === 0 && other === null
              ? <p class="soft">No tag changed.</p>
              : null}
            <BeforeAndAfter entry={entry} />
          </>
        )}
        <UndoForm entry={entry} ofPost={ofPost} isGroup={isGroup} />
      </div>
    </li>
  );
}

function OperationTitle({ operation }: { operation: OperationView }) {
  const { id, kind, changed, undoes } = operation;
  return (
    <a href={`/operations/${id}`}>
      {kind === "undo" ? `Undo of operation ${undoes}` : `Operation ${id}`}:{" "}
      {formatCounted(changed, "post")}
    </a>
  );
}

/** What an operation was to do to all its posts. */
export function OperationTags({ operation }: { operation: OperationView }) {
  const { query, add = [], remove = [] } = operation;
  return (
    <>
      {query === undefined ? null : query.trim() === "" ? <p>All posts</p> : (
        <p>
          Search:{" "}
          <a href={postsUrl({ q: query })}>
            <bdi>{visibleText(query.slice(0, 300))}</bdi>
          </a>
        </p>
      )}
      <Changes label="Add" sign="+" names={add.map(({ name }) => name)} />
      <Changes label="Remove" sign="−" names={remove} />
    </>
  );
}

/** Tags that came or went, each a link to its posts. */
export function Changes(
  { label, sign, names }: { label: string; sign: string; names: readonly string[] },
) {
  if (names.length === 0) return null;
  const more = names.length - TAGS_SHOWN_MAX;
  return (
    <ul class="chips" aria-label={label}>
      {names.slice(0, TAGS_SHOWN_MAX).map((name) => (
        <li>
          <a href={postsUrl({ q: toTagTerm(name) })}>
            {sign} <bdi>{visibleText(name)}</bdi>
          </a>
        </li>
      ))}
      {more > 0 ? <li class="soft">and {more} more</li> : null}
    </ul>
  );
}

function OtherChanges({ other }: { other: PostDifference | null }) {
  if (other === null) return null;
  const { content, source, parent, pools, isFavourite, categories = [] } = other;
  return (
    <ul class="plain">
      {content === undefined ? null : <Changed name="File edited in place, MD5" {...content} />}
      {source === undefined ? null : <Changed name="Source" {...source} />}
      {parent === undefined
        ? null
        : <Changed name="Parent" before={parent.before} after={parent.after} />}
      {pools?.joined.map((id) => <li key={id}>Joined pool {id}</li>)}
      {pools?.left.map((id) => <li key={id}>Left pool {id}</li>)}
      {isFavourite === undefined
        ? null
        : <li>{isFavourite.after ? "Made a favourite" : "No favourite any more"}</li>}
      {categories.map(({ name, before, after }) => (
        <Changed name={`Category of ${name}`} before={before} after={after} />
      ))}
    </ul>
  );
}

type ChangedProps = { name: string; before: string | number | null; after: string | number | null };

function Changed({ name, before, after }: ChangedProps) {
  const show = (value: string | number | null) =>
    value === null || value === "" ? "none" : visibleText(String(value));
  return (
    <li>
      {visibleText(name)}: <bdi>{show(before)}</bdi> → <bdi>{show(after)}</bdi>
    </li>
  );
}

function BeforeAndAfter({ entry: { before, after } }: { entry: ShownEntry }) {
  if (before === null || after === null) return null;
  return (
    <details>
      <summary>Tags before and after</summary>
      <p>
        Before: <bdi>{before.map(visibleText).join(" ") || "none"}</bdi>
      </p>
      <p>
        After: <bdi>{after.map(visibleText).join(" ") || "none"}</bdi>
      </p>
    </details>
  );
}

function UndoForm({ entry, ofPost, isGroup }: EntryProps & { isGroup: boolean }) {
  const { id, kind, operation } = entry;
  if (kind === "pool_edit") return null;
  if (isGroup) {
    const { isUndone, id: operationId, state } = operation!;
    if (isUndone) return <p class="soft">Undone.</p>;
    if (state === "running") return <p class="soft">Running.</p>;
    return (
      <form method="post" action={`/operations/${operationId}/undo`}>
        <button type="submit" aria-label={`Undo operation ${operationId}`}>Undo all of it</button>
      </form>
    );
  }
  if (entry.isUndone) return <p class="soft">Undone.</p>;
  return (
    <form method="post" action={`/history/${id}/undo`}>
      <input type="hidden" name="post" value={ofPost ?? ""} />
      <button type="submit" aria-label={`Undo edit ${id}`}>Undo</button>
    </form>
  );
}
