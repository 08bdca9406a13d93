import { Hono } from "hono";
import { AppError } from "../../base/errors.ts";
import { editImageTags } from "../../library/edit_tags.ts";
import type { ImageView } from "../../library/image_view.ts";
import { moveToTrash } from "../../library/trash.ts";
import { md5OfText } from "../../media/md5.ts";
import { matchesETag } from "../etag.ts";
import { requireJsonBody } from "../middleware.ts";
import { check, readId, readJson, readSearch, TAG_EDIT } from "../params.ts";
import { requireImage, type ServerState } from "../server_state.ts";

/** `GET /images`, `GET`, `PUT …/tags` and `DELETE /images/:id`. */
export function buildImagesRoutes(state: ServerState): Hono {
  const { library } = state;
  const routes = new Hono();
  routes.get("/", async (context) => {
    const bytes = await library.pages.get(readSearch(context));
    return context.body(bytes, 200, { "content-type": "application/json" });
  });
  routes.get("/:id", (context) => {
    const image = requireImage(state, readId(context));
    const { body, etag } = describe(state, image);
    if (matchesETag(context.req.header("if-none-match"), etag)) {
      return context.body(null, 304, { etag });
    }
    return context.json(body, 200, { etag });
  });
  routes.put("/:id/tags", requireJsonBody(), async (context) => {
    const before = requireImage(state, readId(context));
    const wanted = context.req.header("if-match");
    if (wanted !== undefined && !matchesETag(wanted, describe(state, before).etag)) {
      throw new AppError("precondition_failed", `Image ${before.id} was changed meanwhile`, {
        remedy: "Load it again and repeat the edit",
      });
    }
    // Taken now: until the edit is written, somebody else may change the image.
    const isConditional = wanted !== undefined && wanted.trim() !== "*";
    const expectedTags = isConditional
      ? [...library.core.cache.getImageTagsAsSet(before.filepath)]
      : null;
    const edit = check(TAG_EDIT, await readJson(context));
    const { aliases } = await editImageTags(library, { imageId: before.id, ...edit, expectedTags });
    const { body, etag } = describe(state, requireImage(state, before.id));
    // Who wrote another name of a tag is told which tag it is.
    return context.json(aliases === undefined ? body : { ...body, aliases }, 200, { etag });
  });
  routes.delete("/:id", async (context) => {
    const { id } = requireImage(state, readId(context));
    const trashId = await moveToTrash(library, id);
    return context.json({ id, trashId });
  });
  return routes;
}

/** An image with what the database alone knows of it, and a validator of all that. */
function describe(state: ServerState, image: ImageView) {
  const facts = state.library.details.get(image.id);
  const body = {
    ...image,
    file: facts === undefined ? null : {
      ext: facts.fileExt,
      sizeBytes: facts.sizeBytes,
      durationMs: facts.durationMs,
      frameRate: facts.frameRate,
      videoCodec: facts.videoCodec,
      hasAudio: facts.hasAudio,
      places: facts.places,
      missingSince: facts.missingSinceMs === null
        ? null
        : new Date(facts.missingSinceMs).toISOString(),
    },
    source: facts?.sourceUrl ?? null,
    postedAt: facts?.postedAt ?? null,
    ingestedAt: facts?.ingestedAt ?? null,
    sources: facts?.sources ?? [],
  };
  return { body, etag: `"${md5OfText(JSON.stringify(body)).slice(0, 20)}"` };
}
