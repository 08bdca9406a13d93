import type { BulkEditResult } from "../../library/bulk_edit.ts";
import { formatCount, formatCounted, postsUrl, visibleText } from "./format.ts";
import { Layout } from "./layout.tsx";
import { Message, type PageMessage } from "./message.tsx";
import type { PageStatus } from "./page_status.ts";
import { Thumbnail } from "./thumbnail.tsx";

/** What the form holds. */
export type BulkEditDraft = { query: string; add: string; remove: string; all: boolean };

/** What {@link BulkEditPage} needs. */
export type BulkEditProps = {
  draft: BulkEditDraft;
  /** What the edit would do; null: nobody asked yet. */
  preview: BulkEditResult | null;
  message: PageMessage | null;
  status: PageStatus;
};

/** The form that edits all posts of a search: first it shows what would change, then it asks once more. */
export function BulkEditPage({ draft, preview, message, status }: BulkEditProps) {
  return (
    <Layout title="Edit all posts of a search" query={draft.query} status={status} section="posts">
      <div class="head">
        <h1>Edit all posts of a search</h1>
        <p class="facts">
          <a href={postsUrl({ q: draft.query })}>The search</a>
          <a href="/history">History</a>
        </p>
      </div>
      <Message message={message} />
      <div class="bulk-edit">
        {preview === null ? null : <Preview preview={preview} draft={draft} />}
        <section class="panel" aria-labelledby="bulk-heading">
          <h2 id="bulk-heading">{preview === null ? "What is to change" : "Change the plan"}</h2>
          <form method="post" action="/posts/bulk">
            <Field id="query" label="Search" value={draft.query} />
            <Field id="add" label="Add tags" value={draft.add} />
            <Field id="remove" label="Remove tags" value={draft.remove} />
            <p>
              <input type="checkbox" id="all" name="all" value="yes" checked={draft.all} />{" "}
              <label for="all">A search without a condition means every post of the library</label>
            </p>
            <button type="submit" class={preview === null ? "strong" : ""}>
              Show what changes
            </button>
          </form>
        </section>
      </div>
    </Layout>
  );
}

function Field({ id, label, value }: { id: string; label: string; value: string }) {
  return (
    <p>
      <label for={`bulk-${id}`}>{label}</label>
      <textarea
        id={`bulk-${id}`}
        name={id}
        rows={2}
        autocapitalize="none"
        autocomplete="off"
        spellcheck={false}
      >
        {value}
      </textarea>
    </p>
  );
}

function Preview({ preview, draft }: { preview: BulkEditResult; draft: BulkEditDraft }) {
  const { matched, changed, tags, implied, sample } = preview;
  return (
    <section class="panel" aria-labelledby="preview">
      <h2 id="preview">
        {formatCount(changed)} of {formatCounted(matched, "post")} would change
      </h2>
      <ul class="plain">
        {tags.map(({ name, added, removed }) => (
          <li>
            <bdi>{visibleText(name)}</bdi>: {added > 0 ? `+${formatCount(added)} ` : ""}
            {removed > 0 ? `−${formatCount(removed)}` : ""}
            {added + removed === 0 ? "nothing to do" : ""}
          </li>
        ))}
      </ul>
      {implied.added.length === 0
        ? null
        : <p class="soft">Comes with them: {implied.added.map(visibleText).join(" ")}</p>}
      {implied.removed.length === 0 ? null : (
        <p class="soft">
          May go with them: {implied.removed.map(visibleText).join(" ")}
        </p>
      )}
      {sample.length === 0 ? null : (
        <ul class="grid strip">
          {sample.map((image) => <Thumbnail key={image.id} image={image} query={draft.query} />)}
        </ul>
      )}
      {changed === 0 ? null : (
        <form method="post" action="/posts/bulk">
          <input type="hidden" name="query" value={draft.query} />
          <input type="hidden" name="add" value={draft.add} />
          <input type="hidden" name="remove" value={draft.remove} />
          <input type="hidden" name="all" value={draft.all ? "yes" : ""} />
          <input type="hidden" name="expected" value={String(changed)} />
          <button type="submit" class="danger">Edit {formatCounted(changed, "post")}</button>
        </form>
      )}
    </section>
  );
}
