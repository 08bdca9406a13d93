import type { CountedTag } from "../../query/tag_list.ts";
import { toTagTerm } from "../../query/tag_term.ts";
import type { TagCategory } from "../../tags/category.ts";
import {
  addTerm,
  excludeTerm,
  formatCount,
  hasTerm,
  postsUrl,
  removeTerm,
  visibleText,
} from "./format.ts";

/** Categories in the order in which pages show them, with their headings. */
const GROUPS: readonly (readonly [TagCategory, string])[] = [
  ["artist", "Artists"],
  ["copyright", "Copyrights"],
  ["character", "Characters"],
  ["species", "Species"],
  ["general", "General"],
  ["meta", "Meta"],
  ["rating", "Rating"],
];

/** What {@link TagGroups} needs. */
export type TagGroupsProps = {
  tags: CountedTag[];
  /** The search that the + and - links change. */
  query: string;
  /** Page size of the address, which its links keep. */
  limit?: number | null;
};

/** Gives the category under which a page shows a tag: what nobody has sorted is general. */
export function toShownCategory(category: string | null): TagCategory {
  return GROUPS.find(([known]) => known === category)?.[0] ?? "general";
}

/** Lists tags by category, each with its count and links to search it, to add it and to leave it out. */
export function TagGroups({ tags, query, limit }: TagGroupsProps) {
  return (
    <>
      {GROUPS.map(([category, heading]) => {
        const own = tags.filter((tag) => toShownCategory(tag.category) === category);
        if (own.length === 0) return null;
        return (
          <section class="tag-group" aria-labelledby={`tags-${category}`}>
            <h3 id={`tags-${category}`}>{heading}</h3>
            <ul class="tags">
              {own.map((tag) => <TagRow key={tag.id} tag={tag} query={query} limit={limit} />)}
            </ul>
          </section>
        );
      })}
    </>
  );
}

function TagRow({ tag, query, limit }: { tag: CountedTag; query: string; limit?: number | null }) {
  const name = visibleText(tag.name);
  const isChosen = hasTerm(query, tag.name);
  const changed = isChosen ? removeTerm(query, tag.name) : addTerm(query, tag.name);
  return (
    <li class={isChosen ? "chosen" : ""}>
      <a
        class="change"
        href={postsUrl({ q: changed, limit })}
        rel="nofollow"
        aria-label={isChosen ? `Take ${name} out of the search` : `Add ${name} to the search`}
      >
        {isChosen ? "×" : "+"}
      </a>
      <a
        class="change"
        href={postsUrl({ q: excludeTerm(query, tag.name), limit })}
        rel="nofollow"
        aria-label={`Leave out posts with ${name}`}
      >
        −
      </a>
      <TagLink tag={tag} limit={limit} />
    </li>
  );
}

/** Links a tag, in the colour of its category, to its posts, with their number behind it. */
export function TagLink({ tag, limit }: { tag: CountedTag; limit?: number | null }) {
  return (
    <span class="tag">
      <a
        class={`name ${toShownCategory(tag.category)}`}
        href={postsUrl({ q: toTagTerm(tag.name), limit })}
      >
        <bdi>{visibleText(tag.name)}</bdi>
      </a>{" "}
      <span class="count">{formatCount(tag.count)}</span>
    </span>
  );
}
