import type { Task, TaskState } from "../../library/tasks.ts";
import { formatAge, formatCount, visibleText } from "./format.ts";

/** Address of the list of tasks. */
export const TASKS_PATH = "/tasks";

const TITLES: Readonly<Record<string, string>> = {
  "backup": "Backup",
  "bulk-edit": "Edit of many posts",
  "check": "Check of the library",
  "dedupe": "Search for duplicates",
  "empty-trash": "Emptying of the trash",
  "rebuild": "Rebuild from the files",
  "reload": "Loading of the library",
  "remove-duplicate": "Copies of one file to the trash",
  "source_priority": "Order of the sites",
  "tag_columns": "Writing tags of posts",
  "tag_import": "Import of a tag list",
  "tag_rules": "Aliases and implications in posts",
  "undo": "Undo of an edit",
  "watch-scan": "Scan of the folders",
};

const STATES: Readonly<Record<TaskState, string>> = {
  running: "Running",
  cancelling: "Stopping",
  succeeded: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
  interrupted: "Interrupted: the program ended first",
};

/** What the steps of tasks are called, where they tell only a word. */
const STAGES: Readonly<Record<string, string>> = {
  again: "Looking once more at what was found",
  checking: "Reading the copy back",
  comparing: "Comparing files",
  copying: "Copying the database",
  database: "Looking through the database",
  emptying: "Removing files",
  files: "Looking at files",
  folders: "Looking for files of nobody",
  moving: "Moving copies to the trash",
  reading: "Reading files",
  repair: "Repairing",
  scanning: "Looking for files",
  thumbnails: "Looking at thumbnails",
};

/** What a kind of task is called. */
export function titleOfTask(kind: string): string {
  return Object.hasOwn(TITLES, kind) ? TITLES[kind] : visibleText(kind);
}

/** How a task stands, in words. */
export function stateOfTask({ state }: Task): string {
  return STATES[state];
}

/** How far a task is; scripts keep it up to date. `reloads` on a page that shows the task alone. */
export function TaskProgressBar({ task, reloads }: { task: Task; reloads?: boolean }) {
  const { id, progress } = task;
  const label = `progress-${id}`;
  const isMeasured = progress !== null && progress.total !== null;
  return (
    <div class="task-progress" data-task={id} data-reloads={reloads === true ? "" : null}>
      {isMeasured
        ? (
          <progress
            aria-labelledby={label}
            value={progress.done}
            max={Math.max(1, progress.total!)}
          />
        )
        : <progress aria-labelledby={label} />}
      <p id={label}>{toProgressText(task) ?? "It begins"}</p>
    </div>
  );
}

function toProgressText({ progress, kind }: Task): string | null {
  if (progress === null) return null;
  const { done, total, message } = progress;
  const text = Object.hasOwn(STAGES, message) ? STAGES[message] : visibleText(message);
  const isBytes = kind === "backup";
  if (total === null) return done === 0 ? text : `${text}: ${formatCount(done)}`;
  if (isBytes) return `${text}: ${Math.floor(100 * done / Math.max(1, total))}%`;
  return `${text}: ${formatCount(done)} of ${formatCount(total)}`;
}

/** Tasks, each a link to its page, with how it went. */
export function TaskList({ tasks }: { tasks: readonly Task[] }) {
  return (
    <ul class="rules">
      {tasks.map((task) => (
        <li key={task.id}>
          <a href={`${TASKS_PATH}/${task.id}`}>{titleOfTask(task.kind)}</a>
          <span class={task.state === "failed" ? "bad" : "soft"}>
            {stateOfTask(task)}, {formatAge(task.endedAt ?? task.startedAt)}
          </span>
          {task.endedAt === null ? <TaskProgressBar task={task} /> : null}
        </li>
      ))}
    </ul>
  );
}
