import type { ImplicationPreview } from "../../library/implications.ts";
import type { Implication } from "../../store/implications.ts";
import { formatCounted, visibleText } from "./format.ts";
import { Layout } from "./layout.tsx";
import { Message, type PageMessage } from "./message.tsx";
import type { PageStatus } from "./page_status.ts";
import {
  Hidden,
  RuleField,
  RuleFilter,
  RuleNotes,
  RulePages,
  RuleProgress,
  RuleTag,
  type RunningRules,
} from "./rule_parts.tsx";

/** Address of the page. */
export const IMPLICATIONS_PATH = "/tags/implications";

/** What {@link ImplicationsPage} needs. */
export type ImplicationsProps = {
  implications: (Implication & { key: string })[];
  total: number;
  page: number;
  limit: number;
  q: string;
  status: string;
  /** What the form holds. */
  draft: { source: string; implied: string };
  /** What the drafted implication would do; null: nobody asked. */
  preview: ImplicationPreview | null;
  running: RunningRules | null;
  message: PageMessage | null;
  library: PageStatus;
};

/** Implications of tags, with forms that look at a new one, add, approve and remove. */
export function ImplicationsPage(props: ImplicationsProps) {
  const { implications, total, page, limit, q, status, draft, preview, library } = props;
  return (
    <Layout title="Implications" query="" status={library} section="tags">
      <div class="head">
        <h1>Implications</h1>
        <p class="facts">{formatCounted(total, "implication")}</p>
      </div>
      <Message message={props.message} />
      <RuleProgress running={props.running} />
      <p class="soft">
        A post that has the one tag gets the other too, and what follows from that one. A tag that
        you took from a post yourself stays away from it, and nothing follows from it there. See
        also <a href="/tags/aliases">aliases</a>.
      </p>
      <form class="filter" action={IMPLICATIONS_PATH} method="get" aria-label="A new implication">
        <RuleField id="source" label="Tag" value={draft.source} />
        <RuleField id="implied" label="implies" value={draft.implied} />
        <button type="submit">Look at it</button>
      </form>
      {preview === null ? null : <Preview preview={preview} />}
      <RuleFilter
        path={IMPLICATIONS_PATH}
        q={q}
        status={status}
        statuses={["all", "active", "pending", "removing"]}
      />
      {implications.length === 0
        ? (
          <div class="notice">
            <p>There are no such implications.</p>
          </div>
        )
        : (
          <ul class="rules">
            {implications.map((one) => <Rule key={one.key} implication={one} />)}
          </ul>
        )}
      <RulePages
        path={IMPLICATIONS_PATH}
        filter={{ q, status }}
        page={page}
        limit={limit}
        total={total}
      />
    </Layout>
  );
}

function Preview({ preview }: { preview: ImplicationPreview }) {
  const { source, implied, sourceImages, chain, conflicts, notes } = preview;
  return (
    <section class="panel" aria-labelledby="preview">
      <h2 id="preview">
        <RuleTag name={source} /> → <RuleTag name={implied} />
      </h2>
      <p>{formatCounted(sourceImages, "post")} with the first tag.</p>
      <ul>
        {chain.map((link) => (
          <li>
            <bdi>{link.path.map(visibleText).join(" → ")}</bdi>:{" "}
            {formatCounted(link.images, "post")} would get it
          </li>
        ))}
      </ul>
      <RuleNotes conflicts={conflicts} notes={notes} />
      {conflicts.length > 0 ? null : (
        <form method="post" action={IMPLICATIONS_PATH}>
          <Hidden fields={{ source, implied }} />
          <button type="submit" class="strong" name="status" value="active">Add it</button>{" "}
          <button type="submit" name="status" value="pending">Propose it</button>
        </form>
      )}
    </section>
  );
}

function Rule({ implication }: { implication: Implication & { key: string } }) {
  const { source, implied, status, key } = implication;
  const names = `${visibleText(source)} implies ${visibleText(implied)}`;
  return (
    <li>
      <RuleTag name={source} /> → <RuleTag name={implied} />{" "}
      {status === "active" ? null : <span class="kind">{visibleText(status)}</span>}
      {status === "pending"
        ? (
          <form method="post" action={`${IMPLICATIONS_PATH}/${key}/approve`}>
            <button type="submit" aria-label={`Approve: ${names}`}>Approve</button>
          </form>
        )
        : null}
      {status === "removing"
        ? null
        : (
          <form method="post" action={`${IMPLICATIONS_PATH}/${key}/remove`}>
            <button type="submit" class="danger" aria-label={`Remove: ${names}`}>
              {status === "pending" ? "Reject" : "Remove"}
            </button>
          </form>
        )}
    </li>
  );
}
