import type { CountedTag } from "../../query/tag_list.ts";
import {
  bulkUrl,
  formatCount,
  formatCounted,
  postsUrl,
  visibleText,
  withoutSeed,
} from "./format.ts";
import {
  EmptyLibrary,
  LibraryNotLoaded,
  LiteralTags,
  NoPosts,
  SyntaxFault,
} from "./gallery_notices.tsx";
import type { LiteralTag, SyntaxFaultProps, UnknownTag } from "./gallery_notices.tsx";
import { Layout } from "./layout.tsx";
import type { PageStatus } from "./page_status.ts";
import { PageSizes, Paging } from "./paging.tsx";
import { TagGroups } from "./tag_groups.tsx";
import { type ListedImage, Thumbnail } from "./thumbnail.tsx";

/** What {@link GalleryPage} needs. */
export type GalleryProps = {
  /** The search as it was typed. */
  query: string;
  /** The same with the seed that was drawn for an order by chance, so that links lead on in it. */
  seededQuery?: string;
  /** Posts that match, on all pages. */
  total: number;
  images: ListedImage[];
  /** Number of this page; null when it was asked for by an image id (`a<id>`, `b<id>`). */
  page: number | null;
  pageCount: number;
  /** Posts on a page. */
  limit: number;
  /** Page size of the address, which links keep; null: it has none, so what the search says holds. */
  askedLimit?: number | null;
  /** The `page` text of the next page; null on the last one. */
  next: string | null;
  /** Tags of the images of this page, the most of them if there are many. */
  tags: CountedTag[];
  /** All tags of the images of this page. */
  tagCount?: number;
  tookMs: number;
  /** Names of the query that no tag has. */
  unknown: UnknownTag[];
  /** Words of the query that are tags when they stand in quotes. */
  literal?: LiteralTag[];
  syntaxError: SyntaxFaultProps["error"] | null;
  status: PageStatus;
};

/** The list of posts that match a search. */
export function GalleryPage(props: GalleryProps) {
  const { query, status, page, askedLimit = null, syntaxError } = props;
  const isFront = query.trim() === "" && (page ?? 1) === 1;
  const heading = query.trim() === "" ? "All posts" : visibleText(query.trim());
  return (
    <Layout
      title={page !== null && page > 1 ? `${heading}, page ${page}` : heading}
      query={query}
      status={status}
      section="posts"
      limit={askedLimit}
      focusesSearch={isFront}
    >
      {syntaxError !== null
        ? <SyntaxFault query={query} limit={askedLimit} error={syntaxError} />
        : status.images === 0 && status.loading
        ? <LibraryNotLoaded />
        : status.images === 0
        ? <EmptyLibrary folder={status.libraryFolder} />
        : <Results {...props} heading={heading} />}
    </Layout>
  );
}

function Results(props: GalleryProps & { heading: string }) {
  const { query, images, tags, tagCount = tags.length, literal = [] } = props;
  // What is behind an operator is not called unknown where the whole is known.
  const unknown = props.unknown.filter(({ name }) =>
    !literal.some(({ word }) => word.replace(/^[-~(]+/, "").toLowerCase() === name)
  );
  const links = {
    query: props.seededQuery ?? query,
    limit: props.askedLimit ?? null,
    page: props.page,
    pageCount: props.pageCount,
    next: props.next,
  };
  const { total } = props;
  return (
    <div class={tags.length > 0 ? "columns" : ""}>
      <section class="results" aria-labelledby="heading">
        <ResultsHead {...props} />
        <LiteralTags query={query} limit={links.limit} literal={literal} />
        {images.length === 0 || unknown.length > 0
          ? <NoPosts {...links} query={query} total={total} unknown={unknown} />
          : null}
        {images.length === 0 ? null : (
          <>
            <ul class="grid">
              {images.map((image) => (
                <Thumbnail
                  key={image.id}
                  image={image}
                  query={links.query}
                />
              ))}
            </ul>
            <Paging {...links} />
          </>
        )}
      </section>
      {tags.length === 0 ? null : (
        <aside class="side" id="tags" aria-labelledby="tags-heading">
          <h2 id="tags-heading">Tags on this page</h2>
          {tagCount > tags.length
            ? (
              <p class="soft">
                The {formatCount(tags.length)} most frequent of {formatCount(tagCount)}.
              </p>
            )
            : null}
          <TagGroups tags={tags} query={query} limit={links.limit} />
        </aside>
      )}
    </div>
  );
}

function ResultsHead(props: GalleryProps & { heading: string }) {
  const { heading, query, total, tookMs, limit, tags, askedLimit = null } = props;
  const shuffled = withoutSeed(props.seededQuery ?? query);
  return (
    <div class="head">
      <h1 id="heading">
        <bdi>{heading}</bdi>
      </h1>
      <p class="facts">
        <strong>{formatCounted(total, "post")}</strong>{" "}
        <span class="took">in {tookMs < 1 ? "under 1" : formatCount(tookMs)} ms</span>
        {tags.length > 0 ? <a class="to-tags" href="#tags">Tags</a> : null}
        {shuffled === null
          ? null
          : <a href={postsUrl({ q: shuffled, limit: askedLimit })}>Shuffle again</a>}
        {query.trim() === "" ? null : <a href={postsUrl({ limit: askedLimit })}>Show all posts</a>}
        {query.trim() === "" || total === 0
          ? null
          : <a href={bulkUrl(query)} rel="nofollow">Edit all</a>}
      </p>
      {total > 0 ? <PageSizes query={props.seededQuery ?? query} limit={limit} /> : null}
    </div>
  );
}
