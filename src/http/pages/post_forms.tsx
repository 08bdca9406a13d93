import type { ImageView } from "../../library/image_view.ts";
import type { CountedTag } from "../../query/tag_list.ts";
import { TAG_CATEGORIES } from "../../tags/category.ts";
import { type Rating, RATINGS } from "../../tags/ratings.ts";
import { toShownCategory } from "./tag_groups.tsx";

/** What a person had typed into the form, and what the form had shown before (now, when left out). */
export type TagDraft = { tags: string; rating: string; oldTags?: string; oldRating?: string };

const RATING_NAMES: Readonly<Record<Rating, string>> = {
  general: "General",
  sensitive: "Sensitive",
  questionable: "Questionable",
  explicit: "Explicit",
};

/** Gives the text under which people read a rating. */
export function formatRating(rating: Rating | null): string {
  return rating === null ? "Not rated" : RATING_NAMES[rating];
}

type EditProps = { image: ImageView; tags: CountedTag[]; query: string; draft: TagDraft | null };

/**
 * The form that changes tags and rating.
 *
 * `old_tags` and `old_rating` travel along, so that the server applies what the person changed and leaves
 * alone what others changed since.
 */
export function EditForm({ image, tags, query, draft }: EditProps) {
  const rating = draft?.rating ?? image.rating ?? "";
  return (
    <section class="panel" aria-labelledby="edit-heading">
      <h2 id="edit-heading">Edit tags</h2>
      <form method="post" action={`/posts/${image.id}/tags`}>
        <input type="hidden" name="q" value={query} />
        <input type="hidden" name="old_tags" value={draft?.oldTags ?? toLines(tags).join(" ")} />
        <input type="hidden" name="old_rating" value={draft?.oldRating ?? image.rating ?? ""} />
        <label for="edit-tags">Tags, with spaces or line breaks between them</label>
        <textarea
          id="edit-tags"
          name="tags"
          rows={6}
          autocapitalize="none"
          autocomplete="off"
          spellcheck={false}
        >
          {draft?.tags ?? toLines(tags).join("\n")}
        </textarea>
        <div class="fields">
          <label for="edit-rating">Rating</label>
          <select id="edit-rating" name="rating">
            <option value="" selected={rating === ""}>{formatRating(null)}</option>
            {RATINGS.map((value) => (
              <option value={value} selected={rating === value}>{formatRating(value)}</option>
            ))}
          </select>
          <button type="submit" class="strong">Save</button>
        </div>
      </form>
    </section>
  );
}

/** One line of names for each category; ratings have a field of their own. */
function toLines(tags: CountedTag[]): string[] {
  return TAG_CATEGORIES.filter((category) => category !== "rating").map((category) =>
    tags.filter((tag) => toShownCategory(tag.category) === category).map((tag) => tag.name)
      .sort().join(" ")
  ).filter((line) => line !== "");
}

/** The form that puts an image into the trash; it opens first, so one slip of the finger does nothing. */
export function DeleteForm({ image, query }: { image: ImageView; query: string }) {
  return (
    <details class="panel">
      <summary>Delete this post</summary>
      <form method="post" action={`/posts/${image.id}/delete`}>
        <input type="hidden" name="q" value={query} />
        <p>
          The post goes to the <a href="/trash">trash</a>, where you can restore it with its tags.
        </p>
        <button type="submit" class="danger">Move to the trash</button>
      </form>
    </details>
  );
}
