import { isActive, type Task } from "../../library/tasks.ts";
import type { TaskResult } from "../task_results.ts";
import { formatCounted, visibleText } from "./format.ts";
import { Layout } from "./layout.tsx";
import { Message, type PageMessage } from "./message.tsx";
import type { PageStatus } from "./page_status.ts";
import { Time } from "./post_facts.tsx";
import { stateOfTask, TaskList, TaskProgressBar, TASKS_PATH, titleOfTask } from "./task_parts.tsx";
import { ResultView } from "./task_results.tsx";

/** The list of what runs in the background and what did. */
export function TasksPage(
  { tasks, message, status }: { tasks: Task[]; message: PageMessage | null; status: PageStatus },
) {
  const open = tasks.filter(isActive);
  const ended = tasks.filter((task) => !isActive(task));
  return (
    <Layout
      title="Tasks"
      query=""
      status={status}
      section="library"
      refreshes={open.length > 0}
    >
      <div class="head">
        <h1>Tasks</h1>
        <p class="facts">
          <span>{open.length === 0 ? "Nothing is running" : `${open.length} running`}</span>
          <a href="/library">Library</a>
        </p>
      </div>
      <Message message={message} />
      {tasks.length === 0
        ? (
          <div class="notice">
            <p>
              Nothing was done in the background yet. Searches for duplicates, checks and backups
              begin on the page of the <a href="/library">library</a>.
            </p>
          </div>
        )
        : null}
      {open.length === 0 ? null : <TaskList tasks={open} />}
      {ended.length === 0 ? null : <TaskList tasks={ended} />}
    </Layout>
  );
}

/** What {@link TaskPage} needs. */
export type TaskProps = {
  task: Task;
  /** What it answered; null if it did not succeed, or answered nothing. */
  result: TaskResult | null;
  message: PageMessage | null;
  status: PageStatus;
};

/** One task: how far it is, what it did, or why it did not. */
export function TaskPage({ task, result, message, status }: TaskProps) {
  const title = titleOfTask(task.kind);
  const isOpen = isActive(task);
  return (
    <Layout title={title} query="" status={status} section="library" refreshes={isOpen}>
      <div class="head">
        <h1>{title}</h1>
        <p class="facts">
          <a href={TASKS_PATH}>Tasks</a>
          <a href="/library">Library</a>
        </p>
      </div>
      <Message message={message} />
      <div class="report">
        <section class="panel" aria-labelledby="state">
          <h2 id="state" class={task.state === "failed" ? "bad" : ""}>{stateOfTask(task)}</h2>
          {isOpen ? <TaskProgressBar task={task} reloads /> : null}
          <p class="soft">
            Begun <Time time={task.startedAt} />
            {task.endedAt === null ? null : <Took task={task} endedAt={task.endedAt} />}
          </p>
          {task.state === "running" ? <CancelForm id={task.id} /> : null}
        </section>
        <Failure task={task} />
        {result === null ? null : <ResultView shown={result} />}
        {task.note === null ? null : <p class="soft">{visibleText(task.note)}.</p>}
      </div>
    </Layout>
  );
}

function Took({ task, endedAt }: { task: Task; endedAt: string }) {
  const seconds = (Date.parse(endedAt) - Date.parse(task.startedAt)) / 1000;
  const text = seconds < 1
    ? "less than a second"
    : seconds < 120
    ? formatCounted(Math.round(seconds), "second")
    : formatCounted(Math.round(seconds / 60), "minute");
  return <>, took {text}</>;
}

function CancelForm({ id }: { id: string }) {
  return (
    <form method="post" action={`${TASKS_PATH}/${id}/cancel`}>
      <button type="submit">Cancel</button>
    </form>
  );
}

function Failure({ task }: { task: Task }) {
  if (task.state === "interrupted") {
    return (
      <p>
        What it had done until then is done. Whatever was half done was finished or undone when the
        program started again; start it once more for the rest.
      </p>
    );
  }
  if (task.error === null || task.state === "cancelled") return null;
  const { message, remedy } = task.error;
  return (
    <div class="message bad" role="alert">
      <p>{visibleText(message)}</p>
      {remedy === undefined
        ? <p>The server's log says more, under the id of the task: {task.id}</p>
        : <p>{visibleText(remedy)}</p>}
    </div>
  );
}
