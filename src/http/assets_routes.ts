import { Hono } from "hono";
import { AppError } from "../base/errors.ts";
import { md5OfText } from "../media/md5.ts";
import { matchesETag } from "./etag.ts";

/** Files of the pages and their types; nothing else is served from their folder. */
const ASSETS: Record<string, string> = {
  "style.css": "text/css; charset=utf-8",
  "app.js": "text/javascript; charset=utf-8",
  "complete.js": "text/javascript; charset=utf-8",
  "edit.js": "text/javascript; charset=utf-8",
  "task.js": "text/javascript; charset=utf-8",
  "icon.svg": "image/svg+xml",
};

/** `/assets/<name>`: read once, answered with a validator. */
export function buildAssetsRoutes(): Hono {
  const routes = new Hono();
  const kept = new Map<string, { text: string; etag: string }>();
  routes.get("/:name", async (context) => {
    const name = context.req.param("name");
    const type = Object.hasOwn(ASSETS, name) ? ASSETS[name] : undefined;
    if (type === undefined) throw new AppError("not_found", `There is no asset ${name}`);
    let asset = kept.get(name);
    if (asset === undefined) {
      const text = await Deno.readTextFile(new URL(`./assets/${name}`, import.meta.url));
      asset = { text, etag: `"${md5OfText(text).slice(0, 16)}"` };
      kept.set(name, asset);
    }
    const headers = { "content-type": type, etag: asset.etag, "cache-control": "no-cache" };
    if (matchesETag(context.req.header("if-none-match"), asset.etag)) {
      return context.body(null, 304, headers);
    }
    return context.body(asset.text, 200, headers);
  });
  return routes;
}
