import type { Child } from "hono/jsx";
import type { ImageView } from "../../library/image_view.ts";
import type { KnownPost } from "../../library/post_relations.ts";
import { findMetatag } from "../../query/metatags.ts";
import type { ImageFacts } from "../../store/images.ts";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatTime,
  parseSources,
  postsUrl,
  toIsoTime,
  visibleText,
} from "./format.ts";
import { formatRating } from "./post_forms.tsx";
import { sitePostUrl } from "./site_links.ts";

/** Characters of a metadata document that a page shows. */
const METADATA_SHOWN_MAX = 200_000;

type FactsProps = { image: ImageView; facts: ImageFacts; known: KnownPost[] };

/** Lists what is known about an image besides its tags; what nobody knows has no line. */
export function PostFacts({ image, facts, known }: FactsProps) {
  const { width, height } = image;
  const isMeasured = width !== null && height !== null;
  const type = facts.fileExt === null ? null : visibleText(facts.fileExt.replace(/^\./, ""));
  return (
    <section aria-labelledby="facts-heading">
      <h2 id="facts-heading">Facts</h2>
      <dl class="facts-list">
        <Fact name="Id">{image.id}</Fact>
        <Fact name="Size">
          {isMeasured ? `${formatCount(width)} × ${formatCount(height)} px` : null}
        </Fact>
        <Fact name="File">
          <a href={image.urls.file}>
            {[type?.toUpperCase(), facts.sizeBytes === null ? null : formatBytes(facts.sizeBytes)]
              .filter(Boolean).join(", ") || "Original"}
          </a>
        </Fact>
        <Fact name="Duration">
          {facts.durationMs === null ? null : formatDuration(facts.durationMs)}
        </Fact>
        <Fact name="Film">{describeFilm(facts)}</Fact>
        <Fact name="Rating">{formatRating(image.rating)}</Fact>
        <Fact name="Score">{image.score}</Fact>
        <Fact name="Source">
          {facts.sourceUrl?.trim() ? <Sources text={facts.sourceUrl} /> : null}
        </Fact>
        <Fact name="Known at">
          {known.length > 0 ? <KnownPosts posts={known} /> : null}
        </Fact>
        <Fact name="Posted">{facts.postedAt === null ? null : <Time time={facts.postedAt} />}</Fact>
        <Fact name="Added">
          {facts.ingestedAt === null ? null : <Time time={facts.ingestedAt} />}
        </Fact>
        <Fact name="Original name">
          {facts.originalName === null ? null : <bdi>{visibleText(facts.originalName)}</bdi>}
        </Fact>
        <Fact name="MD5">
          <code>{image.md5}</code>
        </Fact>
        <Fact name={facts.places.length > 1 ? `${facts.places.length} places` : "Place"}>
          <Places paths={facts.places.length > 0 ? facts.places : [image.filepath]} />
        </Fact>
      </dl>
    </section>
  );
}

/** `24 fps, h264, with sound`; null for what is no film or was never looked into. */
function describeFilm({ frameRate, videoCodec, hasAudio }: ImageFacts): string | null {
  const parts = [
    frameRate === null ? null : `${Math.round(frameRate * 100) / 100} fps`,
    videoCodec === null ? null : visibleText(videoCodec),
    hasAudio === null ? null : hasAudio ? "with sound" : "without sound",
  ];
  return parts.filter((part) => part !== null).join(", ") || null;
}

/** Says that the file of an image is gone from its folder, if it is. */
export function MissingFile({ facts }: { facts: ImageFacts }) {
  if (facts.missingSinceMs === null) return null;
  return (
    <div class="message bad" role="note">
      <p>
        Its file has been missing since{" "}
        <Time time={new Date(facts.missingSinceMs).toISOString()} />. Nothing else is lost: it is
        shown again when the file is back.
      </p>
    </div>
  );
}

function Fact({ name, children }: { name: string; children?: Child }) {
  const isUnknown = children === null || children === undefined || children === "";
  if (isUnknown) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** A time in UTC, with its exact form for machines. */
export function Time({ time }: { time: string }) {
  const iso = toIsoTime(time);
  if (iso === undefined) return <span>{visibleText(time)}</span>;
  return <time datetime={iso}>{formatTime(time)} UTC</time>;
}

function Sources({ text }: { text: string }) {
  return (
    <ul class="plain">
      {parseSources(text).map((source) => (
        <li>
          {source.href === null
            ? <span>{source.text}</span>
            : <a href={source.href} rel="noreferrer noopener nofollow">{source.text}</a>}
        </li>
      ))}
    </ul>
  );
}

/** Numbers lead to what the library has of a post, the names of sites to the sites. */
function KnownPosts({ posts }: { posts: KnownPost[] }) {
  return (
    <ul class="plain">
      {posts.map(({ site, id }) => {
        const address = id === null ? null : sitePostUrl({ site, id });
        const name = visibleText(site);
        const isMetatag = findMetatag(site) !== undefined;
        return (
          <li>
            {address === null
              ? name
              : <a href={address} rel="noreferrer noopener nofollow">{name}</a>}
            {id === null ? null : (
              <>
                {" "}
                <a
                  href={postsUrl({ q: isMetatag ? `${site}:${id}` : `post_id:${id}` })}
                  aria-label={`Posts here with the number ${id} at ${name}`}
                >
                  #{id}
                </a>
              </>
            )}
          </li>
        );
      })}
    </ul>
  );
}

function Places({ paths }: { paths: string[] }) {
  return (
    <ul class="plain">
      {paths.map((path) => (
        <li>
          <code>
            <bdi>{visibleText(path)}</bdi>
          </code>
        </li>
      ))}
    </ul>
  );
}

/** Shows the stored metadata document as it is, folded away. */
export function RawMetadata({ metadata }: { metadata: string | null }) {
  if (metadata === null || metadata === "") return null;
  const isCut = metadata.length > METADATA_SHOWN_MAX;
  return (
    <details class="panel">
      <summary>Raw metadata</summary>
      <pre class="raw">{visibleText(metadata.slice(0, METADATA_SHOWN_MAX))}</pre>
      {isCut ? <p class="soft">The first {formatCount(METADATA_SHOWN_MAX)} characters.</p> : null}
    </details>
  );
}
