import type { Child } from "hono/jsx";
import type { PostRelations } from "../../library/post_relations.ts";
import { formatCount, formatCounted, postsUrl, visibleText } from "./format.ts";
import { type ListedImage, Thumbnail } from "./thumbnail.tsx";

type RelationsProps = { id: number; relations: PostRelations };

/** Parent and children of an image, and the pools that hold it; nothing when there are none. */
export function Relations({ id, relations }: RelationsProps) {
  const { parent, children, childCount, pools } = relations;
  return (
    <>
      {parent === null ? null : (
        <Family heading="Parent" images={[parent]}>
          <a href={postsUrl({ q: `parent:${parent.id} order:id` })}>With all its children</a>
        </Family>
      )}
      {childCount === 0 ? null : (
        <Family
          heading={childCount === 1 ? "Child" : `${formatCount(childCount)} children`}
          images={children}
        >
          <a href={postsUrl({ q: `parent:${id} order:id` })}>With this post as a search</a>
        </Family>
      )}
      {pools.length === 0 ? null : <Pools pools={pools} />}
    </>
  );
}

type FamilyProps = { heading: string; images: ListedImage[]; children?: Child };

function Family({ heading, images, children }: FamilyProps) {
  const name = heading.replace(/^[\d,]+ /, "");
  return (
    <section class="similar" aria-labelledby={`${name}-heading`}>
      <div class="head">
        <h2 id={`${name}-heading`}>{heading}</h2>
        {children}
      </div>
      <ul class="grid strip">
        {images.map((image) => <Thumbnail key={image.id} image={image} query="" />)}
      </ul>
    </section>
  );
}

function Pools({ pools }: { pools: PostRelations["pools"] }) {
  return (
    <section class="similar" aria-labelledby="pools-heading">
      <h2 id="pools-heading">{pools.length === 1 ? "Pool" : "Pools"}</h2>
      <ul class="plain">
        {pools.map((pool) => (
          <li>
            <a href={postsUrl({ q: `ordpool:${pool.id}` })}>
              <bdi>{visibleText(pool.name.replaceAll("_", " "))}</bdi>
            </a>{" "}
            <span class="soft">
              {formatCount(pool.place)} of {formatCounted(pool.count, "post")}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

type FavouriteProps = { id: number; query: string; isFavourite: boolean };

/** The button that makes an image a favourite, or no favourite any more. */
export function FavouriteForm({ id, query, isFavourite }: FavouriteProps) {
  return (
    <form class="favourite" method="post" action={`/posts/${id}/favourite`}>
      <input type="hidden" name="q" value={query} />
      <input type="hidden" name="favourite" value={isFavourite ? "no" : "yes"} />
      <button type="submit" aria-pressed={isFavourite ? "true" : "false"} aria-label="Favourite">
        {isFavourite ? "★ Favourite" : "☆ Favourite"}
      </button>
    </form>
  );
}
