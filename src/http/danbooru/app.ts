import { Hono, type MiddlewareHandler } from "hono";
import { getPath } from "hono/utils/url";
import { AppError } from "../../base/errors.ts";
import { log } from "../../base/log.ts";
import type { ServerState } from "../server_state.ts";
import { authenticate, missingCredentials } from "./auth.ts";
import { addAutocompleteRoutes } from "./autocomplete_routes.ts";
import type { DanbooruEnv, Format } from "./context.ts";
import { DanbooruError, type ErrorBody, toErrorAnswer } from "./errors.ts";
import { addEmptyRoutes, EMPTY_RESOURCES } from "./empty_routes.ts";
import { addLegacyRoutes } from "./legacy_routes.ts";
import { Params } from "./params.ts";
import { addPoolRoutes } from "./pools_routes.ts";
import { addPostEditRoutes } from "./post_edit_routes.ts";
import { addPostRoutes } from "./posts_routes.ts";
import { addPostVersionRoutes } from "./post_versions_routes.ts";
import { toXml } from "./render.ts";
import { addTagRoutes } from "./tags_routes.ts";
import { addUserRoutes } from "./users_routes.ts";

/** First parts of the paths that this API answers, when they end in a format. */
const RESOURCES = new Set([
  ...["posts", "post", "tags", "tag", "counts", "explore", "pools", "pool_element", "favorites"],
  ...[
    "autocomplete",
    "related_tag",
    "tag_aliases",
    "tag_implications",
    "artists",
    "wiki_pages",
    "profile",
    "users",
    "media_assets",
    "post_versions",
  ],
  // Asked for by clients, and not there: they read an error of this API.
  ...["session", "status"],
  ...EMPTY_RESOURCES,
]);

/**
 * The path without its ending, and the ending; none for what is not this API's. As on Danbooru, slashes
 * are as good as one, and one at the end as none: settings of clients end in a slash.
 */
function splitPath(request: Request): { path: string; ending: string } | undefined {
  // An ending begins with a letter: `/posts/1.0` is an id that nothing has.
  const pattern = /^(\/([a-z0-9_]+)(?:\/.*)?)\.([a-z][a-z0-9]*)\/?$/is;
  const whole = getPath(request).replaceAll(/\/{2,}/g, "/");
  const [, path, resource, ending] = pattern.exec(whole) ?? [];
  if (path === undefined || !RESOURCES.has(resource)) return undefined;
  return { path, ending: ending.toLowerCase() };
}

/** Whether a request is for this API: its path names one of its resources and ends in a format. */
export function isDanbooruRequest(request: Request): boolean {
  return splitPath(request) !== undefined;
}

/**
 * Answers `/posts.json` and all that Danbooru's clients ask for; every other request goes on, so that
 * pages keep their addresses (`/posts`, `/posts/1`).
 */
export function answerDanbooru(state: ServerState): MiddlewareHandler {
  const app = buildDanbooru(state);
  return async (context, next) => {
    if (!isDanbooruRequest(context.req.raw)) return await next();
    const response = await app.fetch(context.req.raw);
    if (hasHiddenBody(context.req.raw)) response.headers.set("connection", "close");
    return response;
  };
}

/**
 * Whether a DELETE may have a body that it does not announce. npm danbooru sends one, with its key in it:
 * left on a connection that is kept, it would be read as the beginning of the next request.
 */
function hasHiddenBody({ method, headers }: Request): boolean {
  return method === "DELETE" && !headers.has("content-length") && !headers.has("transfer-encoding");
}

function buildDanbooru(state: ServerState): Hono<DanbooruEnv> {
  const app = new Hono<DanbooruEnv>({
    getPath: (request) => splitPath(request)?.path ?? "/",
  });
  app.use(async (context, next) => {
    if (!state.isLoaded()) {
      // "Nothing there" would be believed: clients end a search with the first empty page.
      throw new AppError("unavailable", "The library is being loaded", {
        remedy: "Try again in a moment",
      });
    }
    context.set("state", state);
    context.set("format", formatOf(context.req.raw));
    context.header("cache-control", "no-store");
    const params = await Params.read(context.req.raw);
    context.set("params", params);
    const authorization = context.req.header("authorization");
    const visitor = authenticate({ authorization, params }, state.apiKey);
    context.set("visitor", visitor);
    // The key is in the body that cannot be read: whoever sent one is told so, and not that it may not.
    if (
      visitor.login === null && hasHiddenBody(context.req.raw) &&
      context.req.header("content-type") !== undefined
    ) throw missingCredentials();
    await next();
  });
  addPostRoutes(app);
  addPostEditRoutes(app);
  addPostVersionRoutes(app);
  addTagRoutes(app);
  addAutocompleteRoutes(app);
  addPoolRoutes(app);
  addUserRoutes(app);
  addLegacyRoutes(app);
  addEmptyRoutes(app);
  app.notFound((context) => {
    const text = `No route matches [${context.req.method}] ${JSON.stringify(context.req.path)}`;
    const error = new DanbooruError(404, "ActionController::RoutingError", text);
    return danbooruProblem(context.req.raw, error);
  });
  app.onError((error, context) => danbooruProblem(context.req.raw, error));
  return app;
}

/**
 * The format that a path ends in.
 *
 * @throws {DanbooruError} 406 for another one.
 */
function formatOf(request: Request): Format {
  const ending = splitPath(request)?.ending;
  if (ending === "json" || ending === "xml") return ending;
  const text = `Cannot answer as ${JSON.stringify(ending)}: use .json or .xml`;
  throw new DanbooruError(406, "ActionController::UnknownFormat", text);
}

/** A failure as Danbooru's clients read it; bugs go to the log. */
export function danbooruProblem(request: Request, error: unknown): Response {
  const isWrite = request.method !== "GET" && request.method !== "HEAD";
  const { status, body, isBug } = toErrorAnswer(error, { isWrite });
  const path = getPath(request);
  const isXml = splitPath(request)?.ending === "xml";
  if (isBug) {
    log("http").error("{method} {path} failed: {error}", { method: request.method, path, error });
  }
  const headers = new Headers({ "cache-control": "no-store" });
  if (status === 401) headers.set("www-authenticate", 'Basic realm="ChibiBooru"');
  return writeProblem(body, { isXml, status, headers });
}

function writeProblem(
  body: ErrorBody,
  options: { isXml: boolean; status: number; headers: Headers },
): Response {
  const { isXml, status, headers } = options;
  headers.set("content-type", `application/${isXml ? "xml" : "json"}; charset=utf-8`);
  return new Response(isXml ? toXml(body, "result") : JSON.stringify(body), { status, headers });
}
