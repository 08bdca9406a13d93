import type { ImageView } from "../../library/image_view.ts";
import type { TagCategory } from "../../tags/category.ts";
import { formatDuration, postUrl, visibleText } from "./format.ts";

/** An image of a list; the duration of a video is shown when it is known. */
export type ListedImage = ImageView & { durationMs?: number | null };

/** Longer side of a thumbnail when nobody measured the image. */
const SIDE_UNKNOWN_PX = 360;
/** Tags that describe a picture to those who do not see it. */
const ALT_TAGS_MAX = 12;
/** Categories that say most about a picture first. */
const ALT_ORDER: readonly TagCategory[] = [
  "character",
  "copyright",
  "species",
  "artist",
  "general",
  "meta",
];

/** Whether the file of an image is a video. */
export function isVideo(image: ImageView): boolean {
  return /\.(mp4|webm)$/.test(image.urls.file);
}

/** Describes an image in words, from its tags. */
export function toAltText(image: ImageView): string {
  const names = ALT_ORDER.flatMap((category) => image.tags[category] ?? []);
  const kind = isVideo(image) ? "Video" : "Picture";
  if (names.length === 0) return `${kind} ${image.id}, no tags`;
  const words = names.slice(0, ALT_TAGS_MAX)
    // Between letters an underscore is a space; in `+_+` it is part of the face.
    .map((name) => visibleText(name).replace(/(?<=[\p{L}\p{N})])_(?=[\p{L}\p{N}(])/gu, " "));
  return `${kind} ${image.id}: ${words.join(", ")}`;
}

/** A picture of a list that leads to its post; its class holds its shape, so rows are flush. */
export function Thumbnail({ image, query }: { image: ListedImage; query: string }) {
  const width = image.width ?? SIDE_UNKNOWN_PX;
  const height = image.height ?? SIDE_UNKNOWN_PX;
  const scale = Math.min(1, SIDE_UNKNOWN_PX / Math.max(width, height));
  return (
    <li class={`thumb ${toShapeClass(width / height)}`}>
      <a href={postUrl({ id: image.id, q: query })}>
        <img
          src={image.urls.thumbnail}
          alt={toAltText(image)}
          width={Math.max(1, Math.round(width * scale))}
          height={Math.max(1, Math.round(height * scale))}
          loading="lazy"
          decoding="async"
        />
        <Badge image={image} />
      </a>
    </li>
  );
}

/** Classes `s5` to `s24` stand for width by height of 0.5 to 2.4; longer shapes are cut. */
function toShapeClass(ratio: number): string {
  return `s${Math.min(24, Math.max(5, Math.round(ratio * 10)))}`;
}

function Badge({ image }: { image: ListedImage }) {
  if (isVideo(image)) {
    const duration = image.durationMs ? formatDuration(image.durationMs) : "video";
    return <span class="badge">▶ {duration}</span>;
  }
  const isTaggedSo = Object.values(image.tags).flat().some((name) =>
    name === "animated" || name === "animated_gif" || name === "animated_png"
  );
  if (image.urls.file.endsWith(".gif")) return <span class="badge">GIF</span>;
  return isTaggedSo ? <span class="badge">animated</span> : null;
}
