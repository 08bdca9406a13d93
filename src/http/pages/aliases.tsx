import type { AliasPreview } from "../../library/aliases.ts";
import type { Alias } from "../../store/aliases.ts";
import { formatCount, formatCounted, visibleText } from "./format.ts";
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
export const ALIASES_PATH = "/tags/aliases";

/** What {@link AliasesPage} needs. */
export type AliasesProps = {
  aliases: Alias[];
  total: number;
  page: number;
  limit: number;
  q: string;
  status: string;
  /** What the form holds. */
  draft: { antecedent: string; consequent: string };
  /** What the drafted alias would do; null: nobody asked. */
  preview: AliasPreview | null;
  running: RunningRules | null;
  message: PageMessage | null;
  library: PageStatus;
};

/** Other names of tags, with forms that look at a new one, add, approve and remove. */
export function AliasesPage(props: AliasesProps) {
  const { aliases, total, page, limit, q, status, draft, preview, library } = props;
  return (
    <Layout title="Aliases" query="" status={library} section="tags">
      <div class="head">
        <h1>Aliases</h1>
        <p class="facts">{total === 1 ? "1 alias" : `${formatCount(total)} aliases`}</p>
      </div>
      <Message message={props.message} />
      <RuleProgress running={props.running} />
      <p class="soft">
        Who searches, adds or imports the one name means the other, and nothing new is stored under
        the first. See also <a href="/tags/implications">implications</a>.
      </p>
      <form class="filter" action={ALIASES_PATH} method="get" aria-label="A new alias">
        <RuleField id="antecedent" label="Name" value={draft.antecedent} />
        <RuleField id="consequent" label="means" value={draft.consequent} />
        <button type="submit">Look at it</button>
      </form>
      {preview === null ? null : <Preview preview={preview} />}
      <RuleFilter path={ALIASES_PATH} q={q} status={status} statuses={["active", "pending"]} />
      {aliases.length === 0
        ? (
          <div class="notice">
            <p>There are no such aliases.</p>
          </div>
        )
        : (
          <ul class="rules">
            {aliases.map((alias) => <Rule key={alias.antecedent} alias={alias} />)}
          </ul>
        )}
      <RulePages
        path={ALIASES_PATH}
        filter={{ q, status }}
        page={page}
        limit={limit}
        total={total}
      />
    </Layout>
  );
}

function Preview({ preview }: { preview: AliasPreview }) {
  const { antecedent, consequent, images, implications, conflicts, notes } = preview;
  return (
    <section class="panel" aria-labelledby="preview">
      <h2 id="preview">
        <bdi>{visibleText(antecedent)}</bdi> means <RuleTag name={consequent} />
      </h2>
      <p>{formatCounted(images, "post")} with the first tag would get the other instead.</p>
      {implications.length === 0 ? null : (
        <>
          <p>Implications that go with it:</p>
          <ul>
            {implications.map(({ source, implied }) => (
              <li>
                <bdi>{`${visibleText(source)} → ${visibleText(implied)}`}</bdi>
              </li>
            ))}
          </ul>
        </>
      )}
      <RuleNotes conflicts={conflicts} notes={notes} />
      {conflicts.length > 0 ? null : (
        <form method="post" action={ALIASES_PATH}>
          <Hidden fields={{ antecedent, consequent }} />
          <p>
            <label>
              <input type="checkbox" name="move" value="yes" checked /> Give the posts the other tag
            </label>
          </p>
          <button type="submit" class="strong" name="status" value="active">Add it</button>{" "}
          <button type="submit" name="status" value="pending">Propose it</button>
        </form>
      )}
    </section>
  );
}

function Rule({ alias }: { alias: Alias }) {
  const { antecedent, consequent, status } = alias;
  const names = `${visibleText(antecedent)} means ${visibleText(consequent)}`;
  return (
    <li>
      <bdi>{visibleText(antecedent)}</bdi> → <RuleTag name={consequent} />{" "}
      {status === "active" ? null : <span class="kind">{visibleText(status)}</span>}
      {status === "active" ? null : (
        <form method="post" action={`${ALIASES_PATH}/approve`}>
          <Hidden fields={{ antecedent }} />
          <button type="submit" aria-label={`Approve: ${names}`}>Approve</button>
        </form>
      )}
      <form method="post" action={`${ALIASES_PATH}/remove`}>
        <Hidden fields={{ antecedent }} />
        <button type="submit" class="danger" aria-label={`Remove: ${names}`}>
          {status === "active" ? "Remove" : "Reject"}
        </button>
      </form>
    </li>
  );
}
