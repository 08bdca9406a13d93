import { type Context, Hono } from "hono";
import { AppError, toMessage } from "../base/errors.ts";
import { PAGE_SIZE_DEFAULT } from "../base/limits.ts";
import { QuerySyntaxError } from "../base/query_syntax_error.ts";
import { countTags, findNeighbours, searchImages } from "../library/browse.ts";
import { setFavourite } from "../library/favourites.ts";
import { toImageView } from "../library/image_view.ts";
import { findKnownPosts, findRelations } from "../library/post_relations.ts";
import { editImageTags } from "../library/edit_tags.ts";
import { findImageSources, switchActiveSource } from "../library/switch_source.ts";
import { moveToTrash } from "../library/trash.ts";
import { parseQuery } from "../query/parser.ts";
import { findLiteralTags } from "../query/suggestions.ts";
import { listTags } from "../query/tag_list.ts";
import { isRating, ratingTagName } from "../tags/ratings.ts";
import type { FlashMessages } from "./flash.ts";
import { postUrl } from "./pages/format.ts";
import { GalleryPage } from "./pages/gallery.tsx";
import { HelpPage } from "./pages/help.tsx";
import type { PageMessage } from "./pages/message.tsx";
import { PostPage } from "./pages/post.tsx";
import type { TagDraft } from "./pages/post_forms.tsx";
import { NO_CHOICE } from "./pages/source_form.tsx";
import { TagsPage } from "./pages/tags.tsx";
import { toPageStatus } from "./page_status.ts";
import { readForm, readId, readSearch } from "./params.ts";
import { missingImage, type ServerState } from "./server_state.ts";

/** Tags beside a page of posts: those that most of them have. */
const GALLERY_TAGS_MAX = 80;
/** Similar images on the page of a post. */
const SIMILAR_SHOWN = 12;
/** Tags on the page of tags. */
const TAGS_SHOWN_MAX = 300;

/** The pages that people see, and the forms on them. */
export function buildPageRoutes(state: ServerState, flashes: FlashMessages): Hono {
  const routes = new Hono();
  routes.get("/", (context) => context.redirect("/posts", 302));
  routes.get("/posts", (context) => showGallery(state, context));
  routes.get("/posts/:id", (context) => {
    const message = flashes.take(context.req.query("done"));
    return showPost(state, context, { message, draft: null });
  });
  routes.post("/posts/:id/tags", (context) => saveTags(state, context, flashes));
  routes.post("/posts/:id/delete", async (context) => {
    const id = readId(context);
    await moveToTrash(state.library, id);
    const done = flashes.put({ kind: "done", text: `Post ${id} is in the trash.` });
    return context.redirect(`/trash?done=${done}`, 303);
  });
  routes.post("/posts/:id/favourite", (context) => saveFavourite(state, context));
  routes.post("/posts/:id/source", (context) => saveSource(state, context, flashes));
  routes.get("/help/search", (context) => context.html(<HelpPage status={toPageStatus(state)} />));
  routes.get("/tags", (context) => {
    const prefix = context.req.query("prefix") ?? "";
    const limit = TAGS_SHOWN_MAX;
    const tags = listTags(state.library.core.cache.current, {
      prefix: prefix.toLowerCase(),
      limit,
    });
    return context.html(<TagsPage tags={tags} prefix={prefix} status={toPageStatus(state)} />);
  });
  return routes;
}

async function showGallery(state: ServerState, context: Context): Promise<Response> {
  const { query, page, limit } = readSearch(context);
  const status = toPageStatus(state);
  const common = {
    status,
    query,
    page: page.kind === "number" ? page.number : null,
    askedLimit: limit,
  };
  try {
    const found = await searchImages(state.library, { query, page, limit });
    const { durationMs } = readDurations(state, found.images.map((image) => image.id));
    return await context.html(
      <GalleryPage
        {...found}
        {...common}
        seededQuery={found.query}
        images={found.images.map((image) => ({
          ...image,
          durationMs: durationMs.get(image.id) ?? null,
        }))}
        pageCount={Math.max(1, Math.ceil(found.total / found.limit))}
        tags={countTags(state.library, found.images, GALLERY_TAGS_MAX)}
        tagCount={new Set(found.images.flatMap(({ tags }) => Object.values(tags).flat())).size}
        literal={findLiteralTags(state.library.core.cache.current, query)}
        syntaxError={null}
      />,
    );
  } catch (error) {
    if (!(error instanceof QuerySyntaxError)) throw error;
    const { message, offset, suggestion } = error;
    return await context.html(
      <GalleryPage
        {...common}
        limit={limit ?? PAGE_SIZE_DEFAULT}
        total={0}
        images={[]}
        pageCount={1}
        next={null}
        tags={[]}
        tookMs={0}
        unknown={[]}
        syntaxError={{ message, offset, suggestion: suggestion ?? null }}
      />,
      400,
    );
  }
}

/** Lengths of the videos among some images. */
function readDurations(state: ServerState, ids: readonly number[]) {
  const rows = state.library.core.reader.prepare(
    `SELECT image_id, duration_ms FROM image_media WHERE duration_ms IS NOT NULL
     AND image_id IN (SELECT value FROM json_each(?))`,
  ).values<[number, number]>(JSON.stringify(ids));
  return { durationMs: new Map(rows) };
}

async function showPost(
  state: ServerState,
  context: Context,
  shown: { message: PageMessage | null; draft: TagDraft | null; query?: string },
): Promise<Response> {
  const id = readId(context);
  const query = shown.query ?? context.req.query("q") ?? "";
  const { current: snapshot } = state.library.core.cache;
  const row = snapshot.rowOfId(id);
  const facts = row === undefined ? undefined : state.library.details.get(id);
  if (row === undefined || facts === undefined) throw missingImage(state, id, "post");
  const image = toImageView(snapshot, row);
  return await context.html(
    <PostPage
      image={image}
      facts={facts}
      known={findKnownPosts(facts.metadata, facts.sources)}
      relations={findRelations(snapshot, row)}
      sources={findImageSources(state.library, id)}
      tags={countTags(state.library, [image])}
      query={query}
      {...await neighboursOf(state, query, id)}
      similar={await state.library.similar.find(snapshot, id, SIMILAR_SHOWN) ?? []}
      message={shown.message}
      draft={shown.draft}
      status={toPageStatus(state)}
    />,
    shown.draft === null ? 200 : 400,
  );
}

/** The newer and the older neighbour; none for a query that does not parse. */
async function neighboursOf(state: ServerState, query: string, id: number) {
  try {
    const { newer, older, position } = await findNeighbours(state.library, { query, id });
    const pageSize = parseQuery(query).limit ?? PAGE_SIZE_DEFAULT;
    return { previous: newer, next: older, position, pageSize };
  } catch (error) {
    if (error instanceof QuerySyntaxError) return { previous: null, next: null, position: null };
    throw error;
  }
}

/** Makes a post a favourite, or no favourite any more, and leads back to it. */
async function saveFavourite(state: ServerState, context: Context): Promise<Response> {
  const imageId = readId(context);
  const text = await readForm(context);
  const wanted = text("favourite");
  if (wanted !== "yes" && wanted !== "no") {
    throw new AppError("bad_request", "favourite is yes or no");
  }
  await setFavourite(state.library, { imageId, isFavourite: wanted === "yes" });
  return context.redirect(postUrl({ id: imageId, q: text("q") }), 303);
}

/** Lets a site speak for a post, and leads back to it. */
async function saveSource(
  state: ServerState,
  context: Context,
  flashes: FlashMessages,
): Promise<Response> {
  const id = readId(context);
  const text = await readForm(context);
  const source = text("source") === NO_CHOICE ? null : text("source");
  const { added, removed } = await switchActiveSource(state.library, id, source);
  const done = flashes.put({ kind: "saved", added, removed });
  const query = text("q") === "" ? "" : `q=${encodeURIComponent(text("q"))}&`;
  return context.redirect(`/posts/${id}?${query}done=${done}`, 303);
}

/** Applies what a person changed in the form, and leaves alone what others changed since. */
async function saveTags(
  state: ServerState,
  context: Context,
  flashes: FlashMessages,
): Promise<Response> {
  const id = readId(context);
  const text = await readForm(context);
  const [before, after] = [toNames(text("old_tags")), toNames(text("tags"))];
  const add = [...after].filter((name) => !before.has(name));
  const remove = [...before].filter((name) => !after.has(name));
  const [oldRating, rating] = [text("old_rating"), text("rating")];
  if (rating !== oldRating) {
    if (isRating(rating)) add.push(ratingTagName(rating));
    else if (isRating(oldRating)) remove.push(ratingTagName(oldRating));
  }
  try {
    const change = await editImageTags(state.library, {
      imageId: id,
      add,
      remove,
      expectedTags: null,
    });
    const done = flashes.put({ kind: "saved", ...change });
    const query = text("q") === "" ? "" : `q=${encodeURIComponent(text("q"))}&`;
    return context.redirect(`/posts/${id}?${query}done=${done}`, 303);
  } catch (error) {
    if (!(error instanceof AppError) || error.code === "not_found") throw error;
    const message: PageMessage = {
      kind: "error",
      text: toMessage(error),
      remedy: error.remedy ?? null,
    };
    const draft = { tags: text("tags"), rating, oldTags: text("old_tags"), oldRating };
    return await showPost(state, context, { message, draft, query: text("q") });
  }
}

function toNames(text: string): Set<string> {
  return new Set(text.split(/[\s\u0085]+/u).filter((name) => name !== ""));
}
