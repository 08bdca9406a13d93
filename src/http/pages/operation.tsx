import type { OperationView } from "../../library/history.ts";
import { formatCount, formatCounted, postUrl, visibleText } from "./format.ts";
import { OperationTags } from "./history.tsx";
import { Layout } from "./layout.tsx";
import { Message, type PageMessage } from "./message.tsx";
import type { PageStatus } from "./page_status.ts";
import { Time } from "./post_facts.tsx";

/** What {@link OperationPage} needs. */
export type OperationProps = {
  operation: OperationView;
  message: PageMessage | null;
  status: PageStatus;
};

const STATES: Readonly<Record<OperationView["state"], string>> = {
  running: "Running",
  done: "Done",
  interrupted: "Interrupted: it can go on, or be undone",
  stopped: "Interrupted, and undone: it goes no further",
};

/** An operation on many posts: how far it is, and what can be done about it. */
export function OperationPage({ operation, message, status }: OperationProps) {
  const { id, kind, state, undoes, done, total, changed, kept = 0, fault } = operation;
  const title = kind === "undo" ? `Undo of operation ${undoes}` : `Edit of ${total} posts`;
  return (
    <Layout title={title} query="" status={status} section="posts">
      <div class="head">
        <h1>
          {kind === "undo" ? title : `Edit of ${formatCounted(total, "post")}`}
        </h1>
        <p class="facts">
          <a href="/history">History</a>
        </p>
      </div>
      <Message message={message} />
      <section class="panel">
        <h2>
          {STATES[state]}
          {operation.isUndone ? ", undone" : ""}
        </h2>
        <p class="soft">
          Operation {id}, begun <Time time={operation.startedAt} />
          {operation.endedAt === null ? null : (
            <>
              , ended <Time time={operation.endedAt} />
            </>
          )}
        </p>
        {state === "running"
          ? (
            <progress value={done} max={Math.max(1, total)} aria-label="How far it is">
            </progress>
          )
          : null}
        <p>
          {formatCount(done)} of {formatCounted(total, "post")} looked at, {formatCount(changed)}
          {" "}
          changed
          {kept > 0
            ? `; in ${formatCounted(kept, "post")} something was changed since and stays`
            : ""}
          .
        </p>
        {fault === undefined ? null : <p class="bad">{visibleText(fault)}</p>}
        <OperationTags operation={operation} />
        <Skipped operation={operation} />
        <Actions operation={operation} />
      </section>
    </Layout>
  );
}

function Skipped({ operation: { skipped } }: { operation: OperationView }) {
  if (skipped.count === 0) return null;
  return (
    <>
      <p>{formatCounted(skipped.count, "post")} could not be changed:</p>
      <ul class="plain">
        {skipped.images.map(({ imageId, why }) => (
          <li>
            <a href={postUrl({ id: imageId })}>Post {imageId}</a>{" "}
            {why === "trashed" ? "is in the trash" : "is gone"}
          </li>
        ))}
      </ul>
    </>
  );
}

function Actions({ operation: { id, state, isUndone, changed } }: { operation: OperationView }) {
  return (
    <>
      {state === "running" ? <Action id={id} name="cancel" text="Stop" /> : null}
      {state === "interrupted" ? <Action id={id} name="continue" text="Go on" /> : null}
      {state !== "running" && !isUndone && changed > 0
        ? <Action id={id} name="undo" text="Undo all of it" />
        : null}
    </>
  );
}

function Action({ id, name, text }: { id: number; name: string; text: string }) {
  return (
    <form method="post" action={`/operations/${id}/${name}`}>
      <button type="submit">{text}</button>
    </form>
  );
}
