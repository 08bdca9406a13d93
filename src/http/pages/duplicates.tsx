import type { ReviewGroup } from "../../library/dedupe_review.ts";
import type { ImageView } from "../../library/image_view.ts";
import type { Task } from "../../library/tasks.ts";
import type { ShownResult } from "../task_results.ts";
import {
  formatAge,
  formatBytes,
  formatCount,
  formatCounted,
  postUrl,
  visibleText,
} from "./format.ts";
import { Layout } from "./layout.tsx";
import { Message, type PageMessage } from "./message.tsx";
import type { PageStatus } from "./page_status.ts";
import { Lines } from "./report_parts.tsx";
import { RulePages } from "./rule_parts.tsx";
import { TaskProgressBar } from "./task_parts.tsx";

/** Address of the page. */
export const DUPLICATES_PATH = "/duplicates";

/** A group as the page shows it, with the post that has the content. */
export type ShownGroup = ReviewGroup & { image: ImageView | null };

/** What of the newest search is still to be done. */
export type ShownReview = {
  /** The task that searched. */
  taskId: string;
  endedAt: string;
  /** Why the list is not whole; null when it is. */
  note: string | null;
  result: ShownResult<"dedupe">;
  /** The groups of this page, and how many there are. */
  groups: ShownGroup[];
  listedCount: number;
  /** Also of those that are not listed. */
  groupCount: number;
  page: number;
  limit: number;
  /** Copies that can be moved to the trash, and what the disk would have back. */
  removable: { count: number; bytes: number };
};

/** What {@link DuplicatesPage} needs. */
export type DuplicatesProps = {
  /** Null: nobody searched yet. */
  review: ShownReview | null;
  running: Task | null;
  message: PageMessage | null;
  status: PageStatus;
};

/** Files that are the same byte for byte, with forms that move all but one of each to the trash. */
export function DuplicatesPage({ review, running, message, status }: DuplicatesProps) {
  return (
    <Layout
      title="Duplicates"
      query=""
      status={status}
      section="library"
      refreshes={running !== null}
    >
      <div class="head">
        <h1>Duplicates</h1>
        <p class="facts">
          {review === null ? null : <span>Searched {formatAge(review.endedAt)}</span>}
          <a href="/library">Library</a>
          <a href="/trash">Trash</a>
        </p>
      </div>
      <Message message={message} />
      <p class="soft">
        Files with the same bytes. Before one goes it is compared byte for byte with the one that
        stays; tags that only its sidecars have go to the post. It goes to the trash, from which it
        can be restored.
      </p>
      <div class="report">
        {review === null ? null : <Summary review={review} />}
        {running === null
          ? <SearchForm isAgain={review !== null} includeInPlace={review?.result.includeInPlace} />
          : (
            <section class="panel" aria-labelledby="running">
              <h2 id="running">
                <a href={`/tasks/${running.id}`}>A search is running</a>
              </h2>
              <TaskProgressBar task={running} reloads />
            </section>
          )}
        {review === null ? null : <Review review={review} />}
      </div>
    </Layout>
  );
}

/** The form that begins a search, which changes nothing. */
function SearchForm(
  { isAgain, includeInPlace = false }: { isAgain: boolean; includeInPlace?: boolean },
) {
  return (
    <section class="panel" aria-labelledby="search">
      <h2 id="search">{isAgain ? "Search again" : "Search"}</h2>
      <form method="post" action="/library/dedupe">
        <p>
          <input
            type="checkbox"
            id="in-place"
            name="in_place"
            value="yes"
            checked={includeInPlace}
          />{" "}
          <label for="in-place">
            Copies in folders that are indexed in place may go too; else they are only shown
          </label>
        </p>
        <p class="soft">A search changes nothing.</p>
        <button type="submit" class={isAgain ? "" : "strong"}>Search for duplicates</button>
      </form>
    </section>
  );
}

function Review({ review }: { review: ShownReview }) {
  const { result, groups, listedCount, page, limit, note } = review;
  return (
    <>
      {note === null ? null : <p class="soft">{visibleText(note)}. Search again for the rest.</p>}
      {groups.length === 0 ? null : (
        <ul class="trash groups">
          {groups.map((group, i) => (
            <Group key={group.md5} group={group} number={(page - 1) * limit + i + 1} />
          ))}
        </ul>
      )}
      <RulePages
        path={DUPLICATES_PATH}
        filter={{}}
        page={page}
        limit={limit}
        total={listedCount}
      />
      <Lines
        title={`${
          formatCounted(result.collisions.length, "pair")
        } with one MD5 and other bytes: left alone`}
        count={result.collisions.length}
        lines={result.collisions.map(({ md5, filepaths }) => `${md5}: ${filepaths.join(", ")}`)}
      />
      <Lines
        title={`${formatCounted(result.skipped.length, "file")} left alone`}
        count={result.skipped.length}
        lines={result.skipped.map(({ filepath, reason }) => `${filepath}: ${reason}`)}
      />
      <Lines
        title={`${formatCounted(result.warnings.length, "warning")}`}
        count={result.warnings.length}
        lines={result.warnings.map(({ filepath, message }) => `${filepath}: ${message}`)}
      />
    </>
  );
}

function Summary({ review }: { review: ShownReview }) {
  const { result, groupCount, removable, taskId } = review;
  const { includeInPlace, duplicatesInPlace } = result;
  const isNothing = groupCount === 0;
  return (
    <section class="panel" aria-labelledby="found">
      <h2 id="found" class={isNothing ? "good" : ""}>
        {isNothing
          ? result.duplicatesFound === 0 ? "No file is there twice" : "All of them are done"
          : `${toCopies(removable.count)} of ${formatCounted(groupCount, "file")} can go`}
      </h2>
      {isNothing ? <p>{formatCounted(result.filesScanned, "file")} were compared.</p> : (
        <p>
          The disk would have {formatBytes(removable.bytes)} back once the trash is emptied.
        </p>
      )}
      {duplicatesInPlace > 0 && !includeInPlace
        ? (
          <p>
            {toCopies(duplicatesInPlace)}{" "}
            more in folders that are indexed in place: left there, unless you tick the box and
            search again.
          </p>
        )
        : null}
      {removable.count === 0 ? null : (
        <form method="get" action={`${DUPLICATES_PATH}/remove`}>
          <input type="hidden" name="report" value={taskId} />
          <button type="submit" class="strong">
            {removable.count === 1
              ? "Move the copy to the trash…"
              : "Move all copies to the trash…"}
          </button>
        </form>
      )}
    </section>
  );
}

function toCopies(count: number): string {
  return count === 1 ? "1 copy" : `${formatCount(count)} copies`;
}

function Group({ group, number }: { group: ShownGroup; number: number }) {
  const { image, md5, sizeBytes, files } = group;
  const hasInPlace = files.some(({ isInPlace }) => isInPlace);
  const name = image === null ? `Content ${md5}` : `Post ${image.id}`;
  return (
    <li class="panel">
      {image === null ? <span class="blank"></span> : (
        <a href={postUrl({ id: image.id })}>
          <img
            src={image.urls.thumbnail}
            alt={name}
            width={128}
            height={128}
            loading="lazy"
            decoding="async"
          />
        </a>
      )}
      <form method="post" action={`${DUPLICATES_PATH}/keep`}>
        <input type="hidden" name="md5" value={md5} />
        <fieldset>
          <legend>
            {name}: {formatCounted(files.length, "file")} of{" "}
            {formatBytes(sizeBytes)}. Which one stays?
          </legend>
          {files.map((file, i) => (
            <p class="choice">
              <input
                type="radio"
                id={`keep-${number}-${i}`}
                name="keep"
                // Forms change line ends, which names may have.
                value={encodeURIComponent(file.filepath.toWellFormed())}
                checked={i === 0}
              />
              <label for={`keep-${number}-${i}`}>
                <code>
                  <bdi>{visibleText(file.filepath)}</bdi>
                </code>
                {file.isInPlace ? <span class="mark">in place</span> : null}
                {file.isHardLink
                  ? <span class="mark">another name of the same file, frees no space</span>
                  : null}
              </label>
            </p>
          ))}
        </fieldset>
        {hasInPlace
          ? (
            <p>
              <input type="checkbox" id={`in-place-${number}`} name="in_place" value="yes" />{" "}
              <label for={`in-place-${number}`}>Files in place may go too</label>
            </p>
          )
          : null}
        <button type="submit" aria-label={`${name}: keep this one, the others to the trash`}>
          Keep this one, the others to the trash
        </button>
      </form>
    </li>
  );
}

/** What {@link ConfirmDuplicatesPage} needs. */
export type ConfirmDuplicatesProps = {
  review: ShownReview;
  /** After how many days the trash is emptied by itself; null: never. */
  keepDays: number | null;
  status: PageStatus;
};

/** Asks once more before all copies go, and says how many these are. */
export function ConfirmDuplicatesPage({ review, keepDays, status }: ConfirmDuplicatesProps) {
  const { removable, groupCount, taskId, result } = review;
  const copies = toCopies(removable.count);
  return (
    <Layout title="Move copies to the trash?" query="" status={status} section="library">
      <section class="notice" aria-labelledby="heading">
        <h1 id="heading">Move {copies} to the trash?</h1>
        <ul class="bullets">
          <li>One file of each of the {formatCounted(groupCount, "content")} stays.</li>
          <li>
            {formatBytes(removable.bytes)} would be free once the trash is emptied
            {keepDays === null
              ? ", which does not happen by itself."
              : `, which happens by itself after ${formatCounted(keepDays, "day")}.`}
          </li>
          <li>
            {result.includeInPlace
              ? "Copies in folders that are indexed in place go too."
              : "Copies in folders that are indexed in place stay."}
          </li>
          <li>
            The library is searched once more: copies that were added since go too, and a file that
            changed stays.
          </li>
        </ul>
        <form method="post" action={`${DUPLICATES_PATH}/remove`}>
          <input type="hidden" name="report" value={taskId} />
          <button type="submit" class="danger">Move {copies} to the trash</button>{" "}
          <a href={DUPLICATES_PATH}>Back, without a change</a>
        </form>
      </section>
    </Layout>
  );
}
