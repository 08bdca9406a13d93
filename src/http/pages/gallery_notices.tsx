import { firstCommandLine, PROGRAM_FORM } from "../../base/command_line.ts";
import { formatCounted, postsUrl, replaceTag, replaceWord, visibleText } from "./format.ts";

/** A name of a query that no tag has, and words of a search that it may have meant. */
export type UnknownTag = { name: string; suggestions: string[] };

/** A word of a query that begins with an operator, and the term that finds the tag of that name. */
export type LiteralTag = { word: string; term: string };

/** What {@link SyntaxFault} needs. */
export type SyntaxFaultProps = {
  query: string;
  limit: number | null;
  /** What is wrong, where (in UTF-16 units), and a query that would work. */
  error: { message: string; offset: number; suggestion: string | null };
};

/** What {@link NoPosts} needs. */
export type NoPostsProps = {
  query: string;
  total: number;
  pageCount: number;
  limit: number | null;
  page: number | null;
  unknown: UnknownTag[];
};

/** Where ./library means what it meant for the server. */
const FOLDER = PROGRAM_FORM === "sources"
  ? "the folder of the program"
  : "the folder that you started the server in";

/** Tells someone with an empty library how to fill it. */
export function EmptyLibrary({ folder }: { folder: string }) {
  return (
    <section class="notice wide" aria-labelledby="heading">
      <h1 id="heading">Your library is empty</h1>
      <p>Add a folder of pictures and videos from a terminal, in {FOLDER}:</p>
      <pre class="command"><code>{firstCommandLine("import DIR")}</code></pre>
      <p>
        <code>DIR</code>{" "}
        is the folder that holds them. Everything in it and below it is found, and so are the tags
        that lie beside the files (<code>.json</code> and{" "}
        <code>.txt</code>, as gallery-dl, Grabber and Hydrus write them).
      </p>
      <h2>Copy them or leave them where they are</h2>
      <dl class="choices">
        <dt>As above</dt>
        <dd>copies the files into the library and leaves your folder as it is.</dd>
        <dt>
          With <code>--in-place</code>
        </dt>
        <dd>
          shows the files from your own folder. Nothing in it is ever moved, changed or deleted.
          <pre class="command"><code>{firstCommandLine("import --in-place DIR")}</code></pre>
        </dd>
      </dl>
      <p>
        The library is in{" "}
        <code class="path">{visibleText(folder)}</code>. What you add appears here by itself when
        you open this page again; the server need not be restarted.
      </p>
    </section>
  );
}

/** Asks for patience while there is nothing to show yet. */
export function LibraryNotLoaded() {
  return (
    <section class="notice" aria-labelledby="heading">
      <h1 id="heading">One moment</h1>
      <p>Your posts appear here as soon as the library is loaded.</p>
    </section>
  );
}

/** Says why a search shows nothing, and what may have been meant. */
export function NoPosts(props: NoPostsProps) {
  const { query, total, pageCount, limit, page, unknown } = props;
  if (total > 0 && page !== null && page > pageCount) {
    return (
      <div class="notice">
        <p>
          There is no page {page}: the last one is{" "}
          <a href={postsUrl({ q: query, limit, page: pageCount })}>page {pageCount}</a>.
        </p>
      </div>
    );
  }
  if (total > 0 && unknown.length === 0) {
    return (
      <div class="notice">
        <p>
          No more posts in this direction.{" "}
          <a href={postsUrl({ q: query, limit })}>Back to the first page</a>
        </p>
      </div>
    );
  }
  return (
    <div class="notice">
      {total > 0 ? null : <p>No post matches this search.</p>}
      {unknown.map((tag) => <Unknown key={tag.name} tag={tag} query={query} limit={limit} />)}
    </div>
  );
}

type UnknownProps = { tag: UnknownTag; query: string; limit: number | null };

function Unknown({ tag, query, limit }: UnknownProps) {
  const { name, suggestions } = tag;
  // The tag is there, but not in the category that was asked for.
  const isOther = suggestions.includes(name);
  const [ask, rest] = suggestions.length === 1
    ? ["Did you mean", "?"]
    : ["Did you mean one of these?", ""];
  return (
    <div>
      <p>
        {isOther ? "No tag of that category is called " : "There is no tag "}
        <strong class="long">{visibleText(name)}</strong>.
        {suggestions.length === 0 ? null : ` ${ask}`}
        {suggestions.length === 1
          ? (
            <>
              {" "}
              <Suggestion tag={name} term={suggestions[0]} query={query} limit={limit} />
              {rest}
            </>
          )
          : null}
      </p>
      {suggestions.length < 2 ? null : (
        <ul class="chips">
          {suggestions.map((term) => (
            <li>
              <Suggestion tag={name} term={term} query={query} limit={limit} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

type SuggestionProps = { tag: string; term: string; query: string; limit: number | null };

/** Leads to the same search with another word in the place of the unknown one. */
function Suggestion({ tag, term, query, limit }: SuggestionProps) {
  return (
    <a href={postsUrl({ q: replaceTag(query, { from: tag, to: term }), limit })}>
      <bdi>{visibleText(term)}</bdi>
    </a>
  );
}

type LiteralTagsProps = { query: string; limit: number | null; literal: LiteralTag[] };

/** Says that what was read as an operator and a name is also the name of a tag. */
export function LiteralTags({ query, limit, literal }: LiteralTagsProps) {
  return (
    <>
      {literal.map(({ word, term }) => (
        <p class="hint">
          There is a tag <strong class="long">{visibleText(word)}</strong>. To find it, search for
          {" "}
          <a href={postsUrl({ q: replaceWord(query, { from: word, to: term }), limit })}>
            <bdi>{visibleText(term)}</bdi>
          </a>.
        </p>
      ))}
    </>
  );
}

/** Characters of the query that are shown before and after the faulty one. */
const SHOWN_AROUND_MAX = 80;

/** Shows where a query cannot be understood, and one that could. */
export function SyntaxFault({ query, limit, error }: SyntaxFaultProps) {
  const { before, at, after } = splitAt(query, error.offset);
  return (
    <section class="notice" aria-labelledby="heading">
      <h1 id="heading">This search cannot be understood</h1>
      <p class="fault" role="alert">
        {visibleText(error.message)}{" "}
        <span class="soft">(at character {formatPosition(error.offset, query)})</span>
      </p>
      <p class="faulty-query">
        <code>
          {before}
          <mark>
            {at}
            <span class="caret" aria-hidden="true">^</span>
          </mark>
          {after}
        </code>
      </p>
      {error.suggestion === null ? null : (
        <p>
          Did you mean{" "}
          <a class="long" href={postsUrl({ q: error.suggestion, limit })}>
            {visibleText(cut(error.suggestion))}
          </a>?
        </p>
      )}
      <p>
        A search is a list of tags with spaces between them: <code>solo smile</code>. A{" "}
        <code>-</code> directly before a tag leaves out its posts: <code>-hat</code>.{" "}
        <a href="/help/search">Everything a search can say</a>
      </p>
    </section>
  );
}

function formatPosition(offset: number, query: string): string {
  return `${Math.min(offset, query.length) + 1} of ${formatCounted(query.length, "character")}`;
}

/** Takes the faulty character with what stands around it; its own place may be the end of the query. */
function splitAt(query: string, offset: number): { before: string; at: string; after: string } {
  const text = query.toWellFormed();
  let start = Math.min(Math.max(0, offset), text.length);
  if (start > 0 && /[\udc00-\udfff]/.test(text[start] ?? "")) start--;
  const [sign = " "] = text.slice(start, start + 2);
  const before = [...text.slice(Math.max(0, start - SHOWN_AROUND_MAX), start)].join("");
  const rest = text.slice(start + sign.length);
  const after = rest.slice(0, SHOWN_AROUND_MAX);
  return {
    before: (start > SHOWN_AROUND_MAX ? "…" : "") + visibleText(before.toWellFormed()),
    at: visibleText(sign.trim() === "" ? "\u00a0" : sign),
    after: visibleText(after.toWellFormed()) + (rest.length > SHOWN_AROUND_MAX ? "…" : ""),
  };
}

function cut(text: string): string {
  return text.length > 2 * SHOWN_AROUND_MAX ? `${text.slice(0, 2 * SHOWN_AROUND_MAX)}…` : text;
}
