import type { Child } from "hono/jsx";
import type { LibraryOverview } from "../../library/overview.ts";
import { isActive, type Task } from "../../library/tasks.ts";
import type { MemoryFigures } from "../../system/memory.ts";
import { TAG_NUMBERINGS } from "../../tags/tag_numbering.ts";
import { DUPLICATES_PATH } from "./duplicates.tsx";
import { formatAge, formatBytes, formatCount, formatCounted, visibleText } from "./format.ts";
import { Layout } from "./layout.tsx";
import { Message, type PageMessage } from "./message.tsx";
import type { PageStatus } from "./page_status.ts";
import { TaskList, TASKS_PATH } from "./task_parts.tsx";
import { EmptyForm, TRASH_PATH } from "./trash.tsx";
import { type ShownRoot, WatchPanel } from "./watch.tsx";

/** What {@link LibraryPage} needs. */
export type LibraryProps = {
  overview: LibraryOverview;
  memory: MemoryFigures;
  /** Null: there is none. */
  ffmpegVersion: string | null;
  roots: ShownRoot[];
  isWatching: boolean;
  /** Newest first. */
  tasks: Task[];
  message: PageMessage | null;
  status: PageStatus;
};

/** Ended tasks that the page lists. */
const TASKS_SHOWN = 5;
/** Age from which a backup is called old. */
const BACKUP_OLD_MS = 14 * 86_400_000;

/** How the library stands, and everything that can be done with it as a whole. */
export function LibraryPage(props: LibraryProps) {
  const { overview, roots, isWatching, status, message } = props;
  return (
    <Layout title="Library" query="" status={status} section="library">
      <div class="head">
        <h1>Library</h1>
      </div>
      <Message message={message} />
      <nav class="places" aria-label="Of the library">
        <ul>
          <Place href={DUPLICATES_PATH} name="Duplicates" />
          <Place href={TRASH_PATH} name="Trash" count={overview.trash.entries} />
          <Place href="/history" name="History" />
          <Place href={TASKS_PATH} name="Tasks" />
          <Place href="/posts/bulk" name="Edit many posts" />
          <Place href="/tags/aliases" name="Aliases" />
          <Place href="/tags/implications" name="Implications" />
          <Place href="/api/docs" name="For programs" />
        </ul>
      </nav>
      <div class="panels">
        <StatePanel {...props} />
        <TasksPanel tasks={props.tasks} />
        <WatchPanel roots={roots} isWatching={isWatching} />
        <BackupPanel backups={overview.backups} />
        <DuplicatesPanel />
        <CheckPanel />
        <TrashPanel trash={overview.trash} />
        <TagListPanel />
        <ReloadPanel />
      </div>
    </Layout>
  );
}

function Place({ href, name, count = 0 }: { href: string; name: string; count?: number }) {
  return (
    <li>
      <a href={href}>
        {name}
        {count === 0 ? null : <span class="count">{` ${formatCount(count)}`}</span>}
      </a>
    </li>
  );
}

function Panel({ id, title, children }: { id: string; title: string; children?: Child }) {
  return (
    <section class="panel" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
}

function StatePanel({ overview, memory, ffmpegVersion, status }: LibraryProps) {
  const { rssBytes, availableBytes } = memory;
  return (
    <Panel id="state" title="State">
      <dl class="facts-list">
        <Fact name="Posts" value={formatCount(status.images)} />
        <Fact name="Tags" value={formatCount(status.tags)} />
        <Fact name="Their files" value={formatBytes(overview.filesBytes)} />
        <Fact
          name="Memory"
          value={`${formatBytes(rssBytes)} used` +
            (availableBytes === null ? "" : `, ${formatBytes(availableBytes)} free`)}
        />
        <Fact name="Films">
          {ffmpegVersion === null
            ? (
              <>
                No ffmpeg: films have no picture in lists. Install it (on Debian and Ubuntu:{" "}
                <code>apt install ffmpeg</code>) and start the server again.
              </>
            )
            : `Pictures by ffmpeg ${visibleText(ffmpegVersion)}`}
        </Fact>
        <Fact name="Folder">
          <code>
            <bdi>{visibleText(status.libraryFolder)}</bdi>
          </code>
        </Fact>
      </dl>
    </Panel>
  );
}

function Fact({ name, value, children }: { name: string; value?: string; children?: Child }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value ?? children}</dd>
    </div>
  );
}

function TasksPanel({ tasks }: { tasks: readonly Task[] }) {
  const open = tasks.filter(isActive);
  const ended = tasks.filter((task) => !isActive(task)).slice(0, TASKS_SHOWN);
  return (
    <Panel id="tasks" title={open.length === 0 ? "Nothing is running" : "Running"}>
      {open.length + ended.length === 0
        ? <p class="soft">What is begun on this page is listed here.</p>
        : <TaskList tasks={[...open, ...ended]} />}
      {tasks.length > open.length + ended.length
        ? (
          <p>
            <a href={TASKS_PATH}>All tasks</a>
          </p>
        )
        : null}
    </Panel>
  );
}

function BackupPanel({ backups: { count, newest } }: { backups: LibraryOverview["backups"] }) {
  const isOld = newest === null || Date.now() - Date.parse(newest.madeAt) > BACKUP_OLD_MS;
  return (
    <Panel id="backup" title="Backup">
      {newest === null
        ? <p class="bad">There is no backup of the database yet.</p>
        : (
          <p class={isOld ? "bad" : ""}>
            The newest is from <strong>{formatAge(newest.madeAt)}</strong>,{" "}
            {formatBytes(newest.sizeBytes)};{" "}
            {count === 1 ? "it is the only one" : `${count} in all`}.
          </p>
        )}
      <p class="soft">
        Tags, edits and all else but the files: copy these to another disk yourself. The newest
        seven backups are kept.
      </p>
      <form method="post" action="/library/backup">
        <button type="submit">Back up now</button>
      </form>
    </Panel>
  );
}

function DuplicatesPanel() {
  return (
    <Panel id="duplicates" title="Duplicates">
      <p class="soft">
        Finds files that are the same byte for byte. Nothing goes before you have seen the list.
      </p>
      <form method="post" action="/library/dedupe">
        <button type="submit">Search for duplicates</button>
      </form>
    </Panel>
  );
}

function CheckPanel() {
  return (
    <Panel id="check" title="Check">
      <p class="soft">
        Compares the database with the files, and tells what is missing, changed or damaged. It
        changes nothing.
      </p>
      <form method="post" action="/library/check">
        <p>
          <input type="checkbox" id="hashes" name="hashes" value="yes" />{" "}
          <label for="hashes">
            Read every file (finds damage; takes as long as the disk needs)
          </label>
        </p>
        <button type="submit">Check</button>
      </form>
    </Panel>
  );
}

function TrashPanel({ trash }: { trash: LibraryOverview["trash"] }) {
  const { entries, sizeBytes, keepDays } = trash;
  return (
    <Panel id="trash" title="Trash">
      {entries === 0 ? <p>It is empty.</p> : (
        <p>
          <a href={TRASH_PATH}>{formatCounted(entries, "thing")}</a>
          {sizeBytes === null ? "" : `, ${formatBytes(sizeBytes)}`}
        </p>
      )}
      <p class="soft">
        {keepDays === null
          ? "It is never emptied by itself."
          : `What has been there for ${formatCounted(keepDays, "day")} is removed by itself.`}{" "}
        <a href={TRASH_PATH}>Change that</a>
      </p>
      {entries === 0 ? null : <EmptyForm />}
    </Panel>
  );
}

function TagListPanel() {
  return (
    <Panel id="tag-list" title="Tag list">
      <p class="soft">
        A CSV file of Danbooru or e621 (also as .csv.gz): names, categories, counts and aliases, for
        completion and for tags without a category.
      </p>
      <form method="post" action="/library/tags/import" enctype="multipart/form-data">
        <div class="fields">
          <label for="numbering">Categories are numbered as</label>
          <select id="numbering" name="numbering">
            <option value="auto">found out</option>
            {TAG_NUMBERINGS.map((name) => (
              <option value={name}>{name === "merged" ? "merged (e621 + 7)" : name}</option>
            ))}
          </select>
        </div>
        <p>
          <input type="checkbox" id="dry-run" name="dry_run" value="yes" />{" "}
          <label for="dry-run">Only tell what it would do</label>
        </p>
        {/* Behind the others: what stands before a file is read before it. */}
        <label for="list">File</label>
        <input id="list" name="list" type="file" accept=".csv,.gz,text/csv" required />
        <button type="submit">Import the list</button>
      </form>
    </Panel>
  );
}

function ReloadPanel() {
  return (
    <Panel id="reload" title="Memory of the server">
      <p class="soft">
        Searches are answered from memory, which follows every change by itself. Load it anew if you
        doubt what you see.
      </p>
      <form method="post" action="/library/reload">
        <button type="submit">Load anew</button>
      </form>
    </Panel>
  );
}
