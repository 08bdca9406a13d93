import type { CountedTag } from "../../query/tag_list.ts";
import { formatCounted, visibleText } from "./format.ts";
import { Layout } from "./layout.tsx";
import type { PageStatus } from "./page_status.ts";
import { TagLink, toShownCategory } from "./tag_groups.tsx";

/** What {@link TagsPage} needs. */
export type TagsProps = {
  /** Tags to list, most used first. */
  tags: CountedTag[];
  /** Beginning that their names have; "" for any. */
  prefix: string;
  status: PageStatus;
};

/** The list of the most used tags, all of them or those with one beginning. */
export function TagsPage({ tags, prefix, status }: TagsProps) {
  return (
    <Layout title="Tags" query="" status={status} section="tags">
      <div class="head">
        <h1>Tags</h1>
        <p class="facts">
          <span>{toSummary({ tags, prefix, status })}</span>
          <a href="/tags/aliases">Aliases</a>
          <a href="/tags/implications">Implications</a>
          <a href="/library#tag-list">Import a tag list</a>
        </p>
      </div>
      <form class="filter" action="/tags" method="get">
        <label for="prefix">Names that begin with</label>
        <input
          id="prefix"
          name="prefix"
          type="search"
          value={prefix}
          autocapitalize="none"
          autocomplete="off"
          spellcheck={false}
        />
        <button type="submit">Show</button>
        {prefix === "" ? null : <a href="/tags">Show all</a>}
      </form>
      <ul class="all-tags">
        {tags.map((tag) => (
          <li>
            <TagLink tag={tag} /> <span class="kind">{toShownCategory(tag.category)}</span>
          </li>
        ))}
      </ul>
    </Layout>
  );
}

function toSummary({ tags, prefix, status }: TagsProps): string {
  if (tags.length === 0) {
    return prefix === "" ? "No post has a tag yet." : `No tag begins with ${visibleText(prefix)}.`;
  }
  const beginning = prefix === "" ? "" : ` that begin with ${visibleText(prefix)}`;
  const isAll = prefix === "" && tags.length >= status.tags;
  return isAll
    ? `${formatCounted(tags.length, "tag")}, most used first`
    : `The ${formatCounted(tags.length, "most used tag")}${beginning}`;
}
