import { toTagTerm } from "../../query/tag_term.ts";
import { formatBytes, formatCounted, postsUrl, toLocalPath, visibleText } from "./format.ts";
import { Layout } from "./layout.tsx";
import { Message, type PageMessage } from "./message.tsx";
import type { PageStatus } from "./page_status.ts";
import { Time } from "./post_facts.tsx";
import { RulePages } from "./rule_parts.tsx";

/** Address of the page. */
export const TRASH_PATH = "/trash";

/** One entry of the trash, as its page shows it. */
export type TrashedEntry = {
  id: number;
  /** An image, or a further copy of one that stays. */
  kind: "image" | "duplicate";
  state: string;
  imageId: number | null;
  md5: string;
  filepath: string;
  /** Of a copy: the file that was kept. */
  kept: string | null;
  sizeBytes: number | null;
  /** When it was put there, ISO 8601. */
  trashedAt: string;
  tags: string[];
  /** Path of its thumbnail on this server. */
  thumbnail: string;
};

/** What {@link TrashPage} needs. */
export type TrashProps = {
  entries: TrashedEntry[];
  total: number;
  page: number;
  limit: number;
  /** After how many days it is emptied by itself; null: never. */
  keepDays: number | null;
  status: PageStatus;
  message: PageMessage | null;
};

/** Tags of a trashed image that are listed. */
const TAGS_SHOWN_MAX = 15;

/** The list of what was deleted, each with buttons that bring it back or remove it for good. */
export function TrashPage(props: TrashProps) {
  const { entries, total, page, limit, keepDays, status, message } = props;
  return (
    <Layout title="Trash" query="" status={status} section="library">
      <div class="head">
        <h1>Trash</h1>
        <p class="facts">
          {total === 0 ? null : <span>{formatCounted(total, "thing")}</span>}
          <a href="/library">Library</a>
        </p>
      </div>
      <Message message={message} />
      <p class="soft">
        {keepDays === null
          ? "Nothing is removed by itself: posts stay here until you restore them, with their files and tags, or remove them for good."
          : `Posts stay here for ${
            formatCounted(keepDays, "day")
          }, with their files and tags; then they are removed for good.`}
      </p>
      {entries.length === 0
        ? (
          <div class="notice">
            <p>{total === 0 ? "The trash is empty." : "There is nothing on this page."}</p>
          </div>
        )
        : (
          <ul class="trash">
            {entries.map((entry) => <Entry key={entry.id} entry={entry} />)}
          </ul>
        )}
      <RulePages path={TRASH_PATH} filter={{}} page={page} limit={limit} total={total} />
      {total === 0 ? null : <EmptyForm />}
      <KeepForm keepDays={keepDays} />
    </Layout>
  );
}

function Entry({ entry }: { entry: TrashedEntry }) {
  const thumbnail = toLocalPath(entry.thumbnail);
  const more = entry.tags.length - TAGS_SHOWN_MAX;
  const name = describe(entry);
  return (
    <li class="panel">
      {thumbnail === null
        ? <span class="blank"></span>
        : <img src={thumbnail} alt="" width={96} height={96} loading="lazy" decoding="async" />}
      <div>
        <h2>{name}</h2>
        <p class="soft">
          <code>
            <bdi>{visibleText(entry.filepath)}</bdi>
          </code>
        </p>
        {entry.kept === null ? null : (
          <p class="soft">
            Kept:{" "}
            <code>
              <bdi>{visibleText(entry.kept)}</bdi>
            </code>
          </p>
        )}
        <p class="soft">
          Deleted <Time time={entry.trashedAt} />
          {entry.sizeBytes === null ? null : `, ${formatBytes(entry.sizeBytes)}`}, MD5{" "}
          <code>{entry.md5}</code>
          {entry.state === "trashed" ? null : `, ${visibleText(entry.state)}`}
        </p>
        <ul class="chips">
          {entry.tags.slice(0, TAGS_SHOWN_MAX).map((tag) => (
            <li>
              <a href={postsUrl({ q: toTagTerm(tag) })}>
                <bdi>{visibleText(tag)}</bdi>
              </a>
            </li>
          ))}
          {more > 0 ? <li class="soft">and {more} more</li> : null}
        </ul>
        <form method="post" action={`${TRASH_PATH}/${entry.id}/restore`}>
          <button type="submit" class="strong" aria-label={`Restore: ${name}`}>
            Restore
          </button>
        </form>
        <details>
          <summary aria-label={`Remove for good: ${name}`}>Remove for good</summary>
          <form method="post" action={`${TRASH_PATH}/${entry.id}/delete`}>
            <p>Its files are deleted from the disk. Nobody can bring them back.</p>
            <button type="submit" class="danger">Delete its files</button>
          </form>
        </details>
      </div>
    </li>
  );
}

function describe({ kind, imageId }: TrashedEntry): string {
  if (kind === "image") return `Post ${imageId}`;
  return imageId === null ? "A copy" : `A copy of post ${imageId}`;
}

/** The form that empties the trash; it opens first, so that one slip of the finger does nothing. */
export function EmptyForm() {
  return (
    <details class="panel">
      <summary>Empty the trash</summary>
      <form method="post" action={`${TRASH_PATH}/empty`}>
        <p>Files are deleted from the disk. Nobody can bring them back.</p>
        <div class="fields">
          <label for="empty-days">In the trash for at least so many days (0: all)</label>
          <input
            id="empty-days"
            name="days"
            type="number"
            inputmode="numeric"
            min="0"
            value="30"
            required
          />
          <button type="submit" class="danger">Delete these files</button>
        </div>
      </form>
    </details>
  );
}

function KeepForm({ keepDays }: { keepDays: number | null }) {
  return (
    <details class="panel">
      <summary>Empty the trash by itself</summary>
      <form method="post" action={`${TRASH_PATH}/settings`}>
        <div class="fields">
          <label for="keep-days">After so many days (leave it empty: never)</label>
          <input
            id="keep-days"
            name="days"
            type="number"
            inputmode="numeric"
            min="1"
            value={keepDays === null ? "" : String(keepDays)}
          />
          <button type="submit">Save</button>
        </div>
      </form>
    </details>
  );
}
