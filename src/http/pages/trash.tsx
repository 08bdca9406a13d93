import { toTagTerm } from "../../query/tag_term.ts";
import { formatCounted, postsUrl, toLocalPath, visibleText } from "./format.ts";
import { Layout } from "./layout.tsx";
import { Message, type PageMessage } from "./message.tsx";
import type { PageStatus } from "./page_status.ts";
import { Time } from "./post_facts.tsx";

/** One image in the trash, as its page shows it. */
export type TrashedImage = {
  /** Id of the entry of the trash. */
  id: number;
  imageId: number;
  md5: string;
  filepath: string;
  /** When it was put there, ISO 8601. */
  trashedAt: string;
  tags: string[];
  /** Path of its thumbnail on this server. */
  thumbnail: string;
};

/** What {@link TrashPage} needs. */
export type TrashProps = {
  entries: TrashedImage[];
  status: PageStatus;
  message: PageMessage | null;
};

/** Tags of a trashed image that are listed. */
const TAGS_SHOWN_MAX = 15;

/** The list of what was deleted, each with a button that brings it back. */
export function TrashPage({ entries, status, message }: TrashProps) {
  return (
    <Layout title="Trash" query="" status={status} section="trash">
      <div class="head">
        <h1>Trash</h1>
        <p class="facts">{entries.length === 0 ? null : formatCounted(entries.length, "post")}</p>
      </div>
      <Message message={message} />
      <p class="soft">
        Nothing is deleted for good: posts stay here until you restore them, with their files and
        tags.
      </p>
      {entries.length === 0
        ? (
          <div class="notice">
            <p>The trash is empty.</p>
          </div>
        )
        : (
          <ul class="trash">
            {entries.map((entry) => <Entry key={entry.id} entry={entry} />)}
          </ul>
        )}
    </Layout>
  );
}

function Entry({ entry }: { entry: TrashedImage }) {
  const thumbnail = toLocalPath(entry.thumbnail);
  const more = entry.tags.length - TAGS_SHOWN_MAX;
  return (
    <li class="panel">
      {thumbnail === null
        ? <span class="blank"></span>
        : <img src={thumbnail} alt="" width={96} height={96} loading="lazy" decoding="async" />}
      <div>
        <h2>Post {entry.imageId}</h2>
        <p class="soft">
          <code>
            <bdi>{visibleText(entry.filepath)}</bdi>
          </code>
        </p>
        <p class="soft">
          Deleted <Time time={entry.trashedAt} />, MD5 <code>{entry.md5}</code>
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
        <form method="post" action={`/trash/${entry.id}/restore`}>
          <button type="submit" class="strong" aria-label={`Restore post ${entry.imageId}`}>
            Restore
          </button>
        </form>
      </div>
    </li>
  );
}
