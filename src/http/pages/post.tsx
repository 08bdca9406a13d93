import type { ImageView } from "../../library/image_view.ts";
import type { CountedTag } from "../../query/tag_list.ts";
import type { KnownPost, PostRelations } from "../../library/post_relations.ts";
import type { ImageSources } from "../../library/switch_source.ts";
import type { ImageFacts } from "../../store/images.ts";
import { PAGE_SIZE_DEFAULT } from "../../base/limits.ts";
import { formatCount, postsUrl, postUrl, visibleText } from "./format.ts";
import { Layout } from "./layout.tsx";
import { Message, type PageMessage } from "./message.tsx";
import type { PageStatus } from "./page_status.ts";
import { MissingFile, PostFacts, RawMetadata } from "./post_facts.tsx";
import { DeleteForm, EditForm, type TagDraft } from "./post_forms.tsx";
import { FavouriteForm, Relations } from "./post_relations.tsx";
import { SourceForm } from "./source_form.tsx";
import { TagGroups } from "./tag_groups.tsx";
import { isVideo, type ListedImage, Thumbnail, toAltText } from "./thumbnail.tsx";

/** What {@link PostPage} needs. */
export type PostProps = {
  image: ImageView;
  facts: ImageFacts;
  /** Its posts at sites. */
  known: KnownPost[];
  relations: PostRelations;
  /** Who speaks for it, and who could. */
  sources?: ImageSources;
  /** Tags of the image. */
  tags: CountedTag[];
  /** The search that led here; "" for none. */
  query: string;
  /** Ids of the neighbours within the search: the newer one and the older one. */
  previous: number | null;
  next: number | null;
  /** Where the image stands within the search, from 1; null when nobody looked. */
  position?: { number: number; total: number } | null;
  /** Posts on a page of the search. */
  pageSize?: number;
  /** The images most similar to it. */
  similar?: ListedImage[];
  message: PageMessage | null;
  /** What the person had typed, when it could not be saved. */
  draft?: TagDraft | null;
  status: PageStatus;
};

/** One image with its tags, its facts, and the forms that change it. */
export function PostPage(props: PostProps) {
  const { image, facts, tags, query, message, status, relations } = props;
  return (
    <Layout title={toTitle(image)} query={query} status={status} section="posts">
      <div class="columns post">
        <section class="show" aria-labelledby="heading">
          <div class="head">
            <h1 id="heading">Post {image.id}</h1>
            <Steps {...props} />
            <FavouriteForm id={image.id} query={query} isFavourite={relations.isFavourite} />
          </div>
          <Message message={message} />
          <MissingFile facts={facts} />
          {isVideo(image) ? <Video image={image} /> : <Picture image={image} />}
          <Relations id={image.id} relations={relations} />
          <Similar image={image} similar={props.similar ?? []} />
        </section>
        <aside class="side" aria-label="Tags and facts">
          <section aria-labelledby="tags-heading">
            <h2 id="tags-heading">Tags</h2>
            {tags.length === 0 ? <p class="soft">No tags yet.</p> : null}
            <TagGroups tags={tags} query={query} />
          </section>
          <PostFacts image={image} facts={facts} known={props.known} />
        </aside>
        <div class="change-post">
          <EditForm image={image} tags={tags} query={query} draft={props.draft ?? null} />
          {props.sources === undefined
            ? null
            : <SourceForm id={image.id} query={query} sources={props.sources} />}
          <DeleteForm image={image} query={query} />
          <p>
            <a href={`/posts/${image.id}/history`}>History of this post</a>
          </p>
          <RawMetadata metadata={facts.metadata} />
        </div>
      </div>
    </Layout>
  );
}

function toTitle(image: ImageView): string {
  const names = [image.tags.character, image.tags.copyright, image.tags.artist]
    .flatMap((own) => own?.slice(0, 1) ?? []);
  return [`Post ${image.id}`, ...names.map(visibleText)].join(" · ");
}

function Steps({ query: q, previous, next, position, pageSize }: PostProps) {
  const page = Math.ceil((position?.number ?? 1) / (pageSize ?? PAGE_SIZE_DEFAULT));
  return (
    <nav class="steps" aria-label="Within the search">
      {previous === null
        ? <span class="dead" aria-hidden="true">‹ Previous</span>
        : <a href={postUrl({ id: previous, q })} rel="prev">‹ Previous</a>}
      <a class="back" href={postsUrl({ q, page })}>
        {q.trim() === "" ? "All posts" : "Results"}
      </a>
      {next === null
        ? <span class="dead" aria-hidden="true">Next ›</span>
        : <a href={postUrl({ id: next, q })} rel="next">Next ›</a>}
      {position
        ? (
          <span class="position">
            {formatCount(position.number)} of {formatCount(position.total)}
          </span>
        )
        : null}
    </nav>
  );
}

/** The checkbox lies over the picture, so a click anywhere on it changes the size without a script. */
function Picture({ image }: { image: ImageView }) {
  return (
    <div class="stage">
      <input type="checkbox" id="full-size" aria-label="Full size" autocomplete="off" />
      <label for="full-size">
        <img
          src={image.urls.file}
          alt={toAltText(image)}
          width={image.width ?? undefined}
          height={image.height ?? undefined}
          fetchpriority="high"
        />
      </label>
    </div>
  );
}

/** One row of similar images, those that do not fit behind a scroll; nothing when there are none. */
function Similar({ image, similar }: { image: ImageView; similar: ListedImage[] }) {
  if (similar.length === 0) return null;
  return (
    <section class="similar" aria-labelledby="similar-heading">
      <div class="head">
        <h2 id="similar-heading">Similar posts</h2>
        <a href={postsUrl({ q: `similar:${image.id} order:similar` })}>More similar posts</a>
      </div>
      <ul class="grid strip">
        {similar.map((other) => <Thumbnail key={other.id} image={other} query="" />)}
      </ul>
    </section>
  );
}

function Video({ image }: { image: ImageView }) {
  return (
    <div class="stage">
      <video
        src={image.urls.file}
        poster={image.urls.thumbnail}
        width={image.width ?? undefined}
        height={image.height ?? undefined}
        aria-label={toAltText(image)}
        controls
        loop
        playsinline
        preload="metadata"
      >
        <a href={image.urls.file}>Open the video</a>
      </video>
    </div>
  );
}
