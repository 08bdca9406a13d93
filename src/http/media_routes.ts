import { type Context, Hono } from "hono";
import { AppError } from "../base/errors.ts";
import { locateFile } from "../library/library_paths.ts";
import { resolveInside } from "../media/paths.ts";
import { readTrashEntry } from "../store/trash.ts";
import { sendFile } from "./file_response.ts";
import { readId } from "./params.ts";
import { requireImage, type ServerState } from "./server_state.ts";

/** `/files/:id/:name` and `/thumbnails/:id/:name`: originals and thumbnails of the library. */
export function buildMediaRoutes(state: ServerState): Hono {
  const { library, thumbnails } = state;
  const routes = new Hono();
  routes.get("/files/:id/:name", async (context) => {
    const image = requireNamed(state, context, "file");
    if (image instanceof Response) return image;
    const path = await locateFile(library.paths, library.roots(), image.filepath);
    const name = image.filepath.slice(image.filepath.lastIndexOf("/") + 1);
    return await sendFile(context.req.raw, { path, etag: image.md5, name });
  });
  routes.get("/thumbnails/trash/:id", async (context) => {
    const entry = readTrashEntry(library.core.reader, readId(context));
    if (entry === undefined) throw new AppError("not_found", "There is no such entry in the trash");
    const { manifest } = entry;
    const served = manifest.files.find((file) => file.filepath === manifest.filepath);
    const trashed = served?.trashed ?? null;
    const file = trashed === null ? undefined : resolveInside(library.paths.trash, trashed);
    const path = await thumbnails.find(manifest, file);
    if (path === null) return standIn(FILM_TILE);
    const etag = `t-${entry.manifest.md5}`;
    return await sendFile(context.req.raw, { path, etag, name: `${etag}.webp` });
  });
  routes.get("/thumbnails/:id/:name", async (context) => {
    const image = requireNamed(state, context, "thumbnail");
    if (image instanceof Response) return image;
    try {
      const path = await thumbnails.find(image);
      if (path === null) return standIn(FILM_TILE);
      return await sendFile(context.req.raw, {
        path,
        etag: `t-${image.md5}`,
        name: `${image.md5}.webp`,
      });
    } catch (error) {
      if (!(error instanceof AppError) || error.code === "unavailable") throw error;
      // A page of results must not show a broken picture for one bad file.
      return standIn(BROKEN_TILE);
    }
  });
  return routes;
}

/** Never kept: what is missing now may be there in a minute. */
function standIn(svg: string): Response {
  return new Response(svg, {
    headers: { "content-type": "image/svg+xml", "cache-control": "no-store" },
  });
}

/** A tile with a play sign: a film of which no frame can be shown. */
const FILM_TILE =
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 120"><rect width="160" height="120" fill="#262626"/>` +
  `<circle cx="80" cy="60" r="30" fill="#424242"/><path d="M71 43v34l26-17z" fill="#cdcdcd"/></svg>`;

/** A neutral tile: there is an image, but no picture of it. */
const BROKEN_TILE =
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 120"><rect width="120" height="120" fill="#8886"/>` +
  `<path d="M30 84l20-26 14 16 12-10 16 20z" fill="#8889"/><path d="M24 24l72 72" stroke="#8889" stroke-width="5"/></svg>`;

/**
 * The image of the path; an address with another content's hash leads to the right one. What stands behind
 * the hash is for people alone: endings have signs that an address spells in more than one way.
 */
function requireNamed(state: ServerState, context: Context, kind: "file" | "thumbnail") {
  const image = requireImage(state, readId(context));
  if (`${context.req.param("name")}.`.startsWith(`${image.md5}.`)) return image;
  const { pathname, search } = new URL(image.urls[kind], context.req.url);
  return context.redirect(pathname + search, 302);
}
