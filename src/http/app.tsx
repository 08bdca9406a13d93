import { type Context, Hono } from "hono";
import { AppError } from "../base/errors.ts";
import { log } from "../base/log.ts";
import { buildAutocompleteRoutes } from "./api/autocomplete_routes.ts";
import { buildImagesRoutes } from "./api/images_routes.ts";
import { buildLibraryRoutes } from "./api/library_routes.ts";
import { buildSimilarRoutes } from "./api/similar_routes.ts";
import { buildAssetsRoutes } from "./assets_routes.ts";
import { answerDanbooru, danbooruProblem, isDanbooruRequest } from "./danbooru/app.ts";
import { FlashMessages } from "./flash.ts";
import { buildMediaRoutes } from "./media_routes.ts";
import { checkHost, checkOrigin, limitBody, secure } from "./middleware.ts";
import { buildPageRoutes } from "./page_routes.tsx";
import { toPageStatus } from "./page_status.ts";
import { ProblemPage } from "./pages/problem.tsx";
import { problemResponse, toProblem } from "./responses.ts";
import type { ServerState } from "./server_state.ts";

/** Builds the whole HTTP application over an open library. */
export function buildApp(state: ServerState): Hono {
  const app = new Hono();
  app.use(secure, checkHost, checkOrigin, limitBody);
  app.use(answerDanbooru(state));
  app.get("/healthz", (context) => context.json({ status: "ok" }));
  app.get("/readyz", (context) => {
    const isReady = state.isLoaded();
    return context.json({ status: isReady ? "ready" : "loading" }, isReady ? 200 : 503);
  });
  app.route("/api/images", buildImagesRoutes(state));
  app.route("/api/images", buildSimilarRoutes(state));
  app.route("/api/tags", buildAutocompleteRoutes(state));
  app.route("/api", buildLibraryRoutes(state));
  app.route("/assets", buildAssetsRoutes());
  app.get("/favicon.ico", (context) => context.redirect("/assets/icon.svg", 302));
  app.route("/", buildMediaRoutes(state));
  app.route("/", buildPageRoutes(state, new FlashMessages()));
  app.notFound((context) => {
    const path = new URL(context.req.url).pathname;
    return answerProblem(state, context, new AppError("not_found", `There is nothing at ${path}`));
  });
  app.onError((error, context) =>
    // What the middleware refuses before the routes of that API see it.
    isDanbooruRequest(context.req.raw)
      ? danbooruProblem(context.req.raw, error)
      : answerProblem(state, context, error)
  );
  return app;
}

/** A page for people who asked for one, RFC 9457 for everyone else; bugs go to the log. */
async function answerProblem(
  state: ServerState,
  context: Context,
  error: unknown,
): Promise<Response> {
  const problem = toProblem(error);
  if (problem.status >= 500 && !(error instanceof AppError)) {
    log("http").error("{method} {path} failed: {error}", {
      method: context.req.method,
      path: context.req.path,
      error,
    });
  }
  const isApi = context.req.path.startsWith("/api/");
  const wantsPage = !isApi && (context.req.header("accept") ?? "").includes("text/html");
  if (!wantsPage) {
    const response = problemResponse(problem);
    // Headers of the middleware (CSP and the like) hold for problems too.
    for (const [name, value] of response.headers) context.header(name, value);
    return context.body(await response.text(), problem.status as 400);
  }
  const isTrashed = error instanceof AppError && error.details?.isTrashed === true;
  return await context.html(
    <ProblemPage
      statusCode={problem.status}
      title={problem.title}
      detail={problem.detail}
      remedy={problem.remedy ?? null}
      link={isTrashed ? { href: "/trash", text: "Open the trash" } : null}
      status={toPageStatus(state)}
    />,
    problem.status as 400,
  );
}
