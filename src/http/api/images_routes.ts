import { type Context, Hono } from "hono";
import { AppError } from "../../base/errors.ts";
import { findImage, searchImages } from "../../library/browse.ts";
import { editImageTags } from "../../library/edit_tags.ts";
import { type ImageView, tagNamesOf } from "../../library/image_view.ts";
import { moveToTrash } from "../../library/trash.ts";
import { md5OfText } from "../../media/md5.ts";
import { ratingTagName } from "../../tags/ratings.ts";
import { check, readId, readJson, readSearch, TAG_EDIT } from "../params.ts";
import type { ServerState } from "../server_state.ts";

/** `GET /images`, `GET`, `PUT …/tags` and `DELETE /images/:id`. */
export function buildImagesRoutes(state: ServerState): Hono {
  const { library } = state;
  const routes = new Hono();
  routes.get("/", (context) => context.json(searchImages(library, readSearch(context))));
  routes.get("/:id", (context) => {
    const image = requireImage(state, context);
    const facts = library.details.get(image.id);
    const tag = etagOf(image);
    if (context.req.header("if-none-match") === tag) return context.body(null, 304, { etag: tag });
    return context.json(
      {
        ...image,
        file: facts === undefined ? null : {
          ext: facts.fileExt,
          sizeBytes: facts.sizeBytes,
          durationMs: facts.durationMs,
          places: facts.places,
        },
        source: facts?.sourceUrl ?? null,
        postedAt: facts?.postedAt ?? null,
        ingestedAt: facts?.ingestedAt ?? null,
        sources: facts?.sources ?? [],
      },
      200,
      { etag: tag },
    );
  });
  routes.put("/:id/tags", async (context) => {
    const before = requireImage(state, context);
    const wanted = context.req.header("if-match");
    if (wanted !== undefined && wanted !== "*" && !splitTags(wanted).includes(etagOf(before))) {
      throw new AppError("precondition_failed", `Image ${before.id} was changed meanwhile`, {
        remedy: "Load it again and repeat the edit",
      });
    }
    const edit = check(TAG_EDIT, await readJson(context));
    const isConditional = wanted !== undefined && wanted !== "*";
    const expectedTags = isConditional ? allTagNames(before) : null;
    await editImageTags(library, { imageId: before.id, ...edit, expectedTags });
    const after = requireImage(state, context);
    return context.json(after, 200, { etag: etagOf(after) });
  });
  routes.delete("/:id", async (context) => {
    const { id } = requireImage(state, context);
    const trashId = await moveToTrash(library, id);
    return context.json({ id, trashId });
  });
  return routes;
}

function requireImage(state: ServerState, context: Context): ImageView {
  const id = readId(context);
  const image = findImage(state.library, id);
  if (image === undefined) throw new AppError("not_found", `There is no image ${id}`);
  return image;
}

/** Changes with whatever the view shows. */
function etagOf(image: ImageView): string {
  return `"${md5OfText(JSON.stringify(image)).slice(0, 20)}"`;
}

function splitTags(header: string): string[] {
  return header.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
}

/** Every tag of an image as the database has it, its rating among them. */
function allTagNames(image: ImageView): string[] {
  const rating = image.rating === null ? [] : [ratingTagName(image.rating)];
  return [...tagNamesOf(image), ...rating];
}
