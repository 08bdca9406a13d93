import { toTagTerm } from "../../query/tag_term.ts";
import { formatCounted, postsUrl, visibleText } from "./format.ts";

/** A tag of a rule, linked to its posts. */
export function RuleTag({ name }: { name: string }) {
  return (
    <a href={postsUrl({ q: toTagTerm(name) })}>
      <bdi>{visibleText(name)}</bdi>
    </a>
  );
}

/** One field of a rule's form. */
export function RuleField({ id, label, value }: { id: string; label: string; value: string }) {
  return (
    <>
      <label for={id}>{label}</label>
      <input
        id={id}
        name={id}
        type="text"
        value={value}
        required
        autocapitalize="none"
        autocomplete="off"
        spellcheck={false}
      />
    </>
  );
}

/** What stands against a rule, and what else is to be known. */
export function RuleNotes({ conflicts, notes }: { conflicts: string[]; notes: string[] }) {
  return (
    <>
      {conflicts.length === 0 ? null : (
        <div class="message bad" role="alert">
          {conflicts.map((text) => <p key={text}>{visibleText(text)}.</p>)}
        </div>
      )}
      {notes.map((text) => <p key={text} class="soft">{visibleText(text)}.</p>)}
    </>
  );
}

/** Fields that a form sends without showing them. */
export function Hidden({ fields }: { fields: Record<string, string> }) {
  return (
    <>
      {Object.entries(fields).map(([name, value]) => (
        <input key={name} type="hidden" name={name} value={value} />
      ))}
    </>
  );
}

/** What {@link RulePages} needs. */
export type RulePagesProps = {
  path: string;
  /** What is listed, for the address. */
  filter: Record<string, string>;
  page: number;
  limit: number;
  total: number;
};

/** Links to the page before and after, and which one this is; nothing when there is one. */
export function RulePages({ path, filter, page, limit, total }: RulePagesProps) {
  const pageCount = Math.max(1, Math.ceil(total / limit));
  if (pageCount === 1 && page === 1) return null;
  const urlOf = (number: number) =>
    `${path}?${new URLSearchParams({ ...filter, page: String(number) })}`;
  return (
    <nav class="paging" aria-label="Pages">
      <ul>
        <li>
          {page > 1
            ? <a href={urlOf(Math.min(page - 1, pageCount))} rel="prev">‹ Previous</a>
            : <span class="dead" aria-hidden="true">‹ Previous</span>}
        </li>
        <li>Page {page} of {pageCount}</li>
        <li>
          {page < pageCount
            ? <a href={urlOf(page + 1)} rel="next">Next ›</a>
            : <span class="dead" aria-hidden="true">Next ›</span>}
        </li>
      </ul>
    </nav>
  );
}

/** The form that narrows a list of rules to a name and a status. */
export function RuleFilter(
  { path, q, status, statuses }: {
    path: string;
    q: string;
    status: string;
    statuses: readonly string[];
  },
) {
  return (
    <form class="filter" action={path} method="get" role="search" aria-label="Narrow the list">
      <label for="name">Names</label>
      <input
        id="name"
        name="q"
        type="search"
        value={q}
        placeholder="hat*"
        autocapitalize="none"
        autocomplete="off"
        spellcheck={false}
      />
      <label for="status">Which</label>
      <select id="status" name="status">
        {statuses.map((one) => (
          <option key={one} value={one} selected={one === status}>{one}</option>
        ))}
      </select>
      <button type="submit">Show</button>
      {q === "" ? null : <a href={path}>Show all</a>}
    </form>
  );
}

/** How far the task is that brings rules to posts. */
export function RuleProgress({ running }: { running: RunningRules | null }) {
  if (running === null) return null;
  const { done, total, message } = running;
  return (
    <div class="notice" role="status">
      <p>
        Posts are being brought in line{message === "" ? "" : `: ${visibleText(message)}`}, {done}
        {" "}
        of {formatCounted(total, "post")}. Reload the page to see more.
      </p>
    </div>
  );
}

/** What is known of the task that brings rules to posts. */
export type RunningRules = { done: number; total: number; message: string };
