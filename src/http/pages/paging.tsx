import { formatCount, postsUrl } from "./format.ts";

/** What {@link Paging} needs. */
export type PagingProps = {
  /** The search of the links; an order by chance has its seed. */
  query: string;
  /** Page size of the address, which its links keep; null: it has none. */
  limit: number | null;
  /** Number of the shown page; null when it was asked for by an image id. */
  page: number | null;
  pageCount: number;
  /** The `page` text of the next page; null on the last one. */
  next: string | null;
};

/** Numbers on each side of the current one. */
const NEIGHBOURS = 2;
/** From so many pages on there is a form to jump to one. */
const JUMP_PAGES_MIN = 8;
/** Sizes of a page that people can choose. */
const PAGE_SIZES = [40, 100, 200];

/** Gives the page numbers to show around `page`; null stands for a gap. */
export function toPageNumbers(page: number, pageCount: number): (number | null)[] {
  const wanted = new Set([1, pageCount]);
  for (let number = page - NEIGHBOURS; number <= page + NEIGHBOURS; number++) wanted.add(number);
  const numbers = [...wanted].filter((number) => number >= 1 && number <= pageCount)
    .sort((a, b) => a - b);
  return numbers.flatMap((number, at) => {
    const gap = at === 0 ? 1 : number - numbers[at - 1];
    // A gap of one page takes as much room as its number.
    if (gap === 2) return [number - 1, number];
    return gap > 2 ? [null, number] : [number];
  });
}

/** Links to the other pages of a result, and a form to jump to one; nothing when there is one page. */
export function Paging(props: PagingProps) {
  const { query: q, limit, page, pageCount, next } = props;
  if (pageCount <= 1 && next === null && (page === null || page === 1)) return null;
  return (
    <div class="paging">
      <nav aria-label="Pages">
        <ul>
          <li>
            {page === 1 ? <Dead text="« First" /> : <PageLink to={{ q, limit }} text="« First" />}
          </li>
          <li>
            {page === null || page === 1
              ? <Dead text="‹ Previous" />
              : <PageLink to={{ q, limit, page: page - 1 }} text="‹ Previous" rel="prev" />}
          </li>
          {page === null
            ? null
            : toPageNumbers(page, pageCount).map((number) => (
              <li class={toNumberClass(number, { page, pageCount })}>
                <PageNumber number={number} props={props} />
              </li>
            ))}
          <li>
            {next === null
              ? <Dead text="Next ›" />
              : <PageLink to={{ q, limit, page: next }} text="Next ›" rel="next" />}
          </li>
        </ul>
      </nav>
      {pageCount >= JUMP_PAGES_MIN ? <JumpForm {...props} /> : null}
    </div>
  );
}

/** Numbers that narrow screens leave out. */
function toNumberClass(number: number | null, at: { page: number; pageCount: number }): string {
  const isNear = number !== null && Math.abs(number - at.page) <= 1;
  return isNear || number === at.pageCount ? "number" : "number far";
}

function PageNumber({ number, props }: { number: number | null; props: PagingProps }) {
  if (number === null) return <span aria-hidden="true">…</span>;
  const isCurrent = number === props.page;
  return (
    <a
      href={postsUrl({ q: props.query, limit: props.limit, page: number })}
      aria-label={`Page ${formatCount(number)}`}
      aria-current={isCurrent ? "page" : null}
    >
      {formatCount(number)}
    </a>
  );
}

type PageLinkProps = {
  to: { q: string; limit: number | null; page?: number | string };
  text: string;
  rel?: string;
};

function PageLink({ to, text, rel }: PageLinkProps) {
  return <a href={postsUrl(to)} rel={rel}>{text}</a>;
}

function Dead({ text }: { text: string }) {
  return <span class="dead" aria-hidden="true">{text}</span>;
}

function JumpForm({ query, limit, page, pageCount }: PagingProps) {
  return (
    <form class="jump" action="/posts" method="get">
      <input type="hidden" name="q" value={query} />
      {limit === null ? null : <input type="hidden" name="limit" value={limit} />}
      <label for="page">Go to page</label>
      <input
        id="page"
        name="page"
        type="number"
        inputmode="numeric"
        min={1}
        max={pageCount}
        value={page ?? 1}
        required
      />
      <button type="submit">Go</button>
    </form>
  );
}

/** Lets the reader choose how many posts a page has; `limit` is how many this one has. */
export function PageSizes({ query, limit }: { query: string; limit: number }) {
  return (
    <nav class="sizes" aria-label="Posts per page">
      <span>Per page</span>
      {PAGE_SIZES.map((size) => (
        <a
          href={postsUrl({ q: query, limit: size })}
          aria-label={`${size} posts per page`}
          aria-current={size === limit ? "true" : null}
        >
          {size}
        </a>
      ))}
    </nav>
  );
}
