import type { CountedTag } from "../../query/tag_list.ts";
import { formatCount, formatCounted, postsUrl, visibleText } from "./format.ts";
import { EmptyLibrary, LibraryNotLoaded, NoPosts, SyntaxFault } from "./gallery_notices.tsx";
import type { SyntaxFaultProps, UnknownTag } from "./gallery_notices.tsx";
import { Layout } from "./layout.tsx";
import type { PageStatus } from "./page_status.ts";
import { PageSizes, Paging } from "./paging.tsx";
import { TagGroups } from "./tag_groups.tsx";
import { type ListedImage, Thumbnail } from "./thumbnail.tsx";

/** What {@link GalleryPage} needs. */
export type GalleryProps = {
  query: string;
  /** Posts that match, on all pages. */
  total: number;
  images: ListedImage[];
  /** Number of this page; null when it was asked for by an image id (`a<id>`, `b<id>`). */
  page: number | null;
  pageCount: number;
  limit: number;
  /** The `page` text of the next page; null on the last one. */
  next: string | null;
  /** Tags of the images of this page. */
  tags: CountedTag[];
  tookMs: number;
  /** Names of the query that no tag has. */
  unknown: UnknownTag[];
  syntaxError: SyntaxFaultProps["error"] | null;
  status: PageStatus;
};

/** The list of posts that match a search. */
export function GalleryPage(props: GalleryProps) {
  const { query, status, page, limit, syntaxError } = props;
  const isFront = query.trim() === "" && (page ?? 1) === 1;
  const heading = query.trim() === "" ? "All posts" : visibleText(query.trim());
  return (
    <Layout
      title={page !== null && page > 1 ? `${heading}, page ${page}` : heading}
      query={query}
      status={status}
      section="posts"
      limit={limit}
      focusesSearch={isFront}
    >
      {syntaxError !== null
        ? <SyntaxFault query={query} limit={limit} error={syntaxError} />
        : status.images === 0 && status.loading
        ? <LibraryNotLoaded />
        : status.images === 0
        ? <EmptyLibrary folder={status.libraryFolder} />
        : <Results {...props} heading={heading} />}
    </Layout>
  );
}

function Results(props: GalleryProps & { heading: string }) {
  const { query, limit, images, tags, unknown } = props;
  return (
    <div class={tags.length > 0 ? "columns" : ""}>
      <section class="results" aria-labelledby="heading">
        <ResultsHead {...props} />
        {images.length === 0 || unknown.length > 0 ? <NoPosts {...props} /> : null}
        {images.length === 0 ? null : (
          <>
            <ul class="grid">
              {images.map((image) => <Thumbnail key={image.id} image={image} query={query} />)}
            </ul>
            <Paging {...props} />
          </>
        )}
      </section>
      {tags.length === 0 ? null : (
        <aside class="side" id="tags" aria-labelledby="tags-heading">
          <h2 id="tags-heading">Tags on this page</h2>
          <TagGroups tags={tags} query={query} limit={limit} />
        </aside>
      )}
    </div>
  );
}

function ResultsHead(props: GalleryProps & { heading: string }) {
  const { heading, query, total, tookMs, limit, tags } = props;
  return (
    <div class="head">
      <h1 id="heading">
        <bdi>{heading}</bdi>
      </h1>
      <p class="facts">
        <strong>{formatCounted(total, "post")}</strong>{" "}
        <span class="took">in {tookMs < 1 ? "under 1" : formatCount(tookMs)} ms</span>
        {tags.length > 0 ? <a class="to-tags" href="#tags">Tags</a> : null}
        {query.trim() === "" ? null : <a href={postsUrl({ limit })}>Show all posts</a>}
      </p>
      {total > 0 ? <PageSizes query={query} limit={limit} /> : null}
    </div>
  );
}
