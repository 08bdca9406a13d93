import { type Context, Hono } from "hono";
import { AppError } from "../base/errors.ts";
import { log } from "../base/log.ts";
import { buildAliasesRoutes } from "./api/aliases_routes.ts";
import { buildAutocompleteRoutes } from "./api/autocomplete_routes.ts";
import { buildBackupRoutes } from "./api/backup_routes.ts";
import { buildBulkRoutes } from "./api/bulk_routes.ts";
import { buildCheckRoutes } from "./api/check_routes.ts";
import { buildDocsRoutes } from "./api/docs_routes.tsx";
import { buildHistoryRoutes } from "./api/history_routes.ts";
import { buildDedupeRoutes } from "./api/dedupe_routes.ts";
import { buildImagesRoutes } from "./api/images_routes.ts";
import { buildImplicationsRoutes } from "./api/implications_routes.ts";
import { buildLibraryRoutes } from "./api/library_routes.ts";
import { buildTaskRoutes } from "./api/task_routes.ts";
import { buildSimilarRoutes } from "./api/similar_routes.ts";
import { buildImageSourceRoutes, buildSourcePriorityRoutes } from "./api/source_routes.ts";
import { buildTagImportRoutes } from "./api/tag_import_routes.ts";
import { buildTrashRoutes } from "./api/trash_routes.ts";
import { buildWatchRoutes } from "./api/watch_routes.ts";
import { buildAliasesPageRoutes } from "./aliases_page_routes.tsx";
import { guardAdministration } from "./administration.ts";
import { buildAssetsRoutes } from "./assets_routes.ts";
import { buildBulkPageRoutes } from "./bulk_page_routes.tsx";
import { answerDanbooru, danbooruProblem, isDanbooruRequest } from "./danbooru/app.ts";
import { buildDuplicatesPageRoutes } from "./duplicates_page_routes.tsx";
import { FlashMessages } from "./flash.ts";
import { buildHistoryPageRoutes } from "./history_page_routes.tsx";
import { buildImplicationsPageRoutes } from "./implications_page_routes.tsx";
import { buildLibraryPageRoutes } from "./library_page_routes.tsx";
import { buildMediaRoutes } from "./media_routes.ts";
import { buildMetricsRoutes } from "./metrics_routes.ts";
import { checkHost, checkOrigin, limitBody, secure } from "./middleware.ts";
import { buildPageRoutes } from "./page_routes.tsx";
import { toPageStatus } from "./page_status.ts";
import { ProblemPage } from "./pages/problem.tsx";
import { followRequests } from "./request_log.ts";
import { RequestMetrics } from "./request_metrics.ts";
import { answerProblem, toProblem } from "./responses.ts";
import type { ServerState } from "./server_state.ts";
import { buildTaskPageRoutes } from "./task_page_routes.tsx";
import { buildTrashPageRoutes } from "./trash_page_routes.tsx";

/** Builds the whole HTTP application over an open library. */
export function buildApp(state: ServerState): Hono {
  const app = new Hono();
  const requests = new RequestMetrics();
  const { addresses } = state;
  app.use(
    followRequests(requests),
    secure,
    checkHost(addresses),
    checkOrigin(addresses),
    limitBody,
  );
  guardAdministration(app, state.adminSecret);
  app.use(answerDanbooru(state));
  app.get("/healthz", (context) => context.json({ status: "ok" }));
  app.get("/readyz", (context) => {
    const isReady = state.isLoaded();
    return context.json({ status: isReady ? "ready" : "loading" }, isReady ? 200 : 503);
  });
  app.route("/api/images", buildImagesRoutes(state));
  app.route("/api/images", buildSimilarRoutes(state));
  app.route("/api/images", buildImageSourceRoutes(state));
  app.route("/api/sources", buildSourcePriorityRoutes(state));
  app.route("/api/tags", buildTagImportRoutes(state));
  app.route("/api/tags", buildAutocompleteRoutes(state));
  app.route("/api/tags", buildBulkRoutes(state));
  app.route("/api/implications", buildImplicationsRoutes(state));
  app.route("/api/aliases", buildAliasesRoutes(state));
  app.route("/api", buildLibraryRoutes(state));
  app.route("/api", buildHistoryRoutes(state));
  app.route("/api", buildTaskRoutes(state));
  app.route("/api", buildBackupRoutes(state));
  app.route("/api", buildCheckRoutes(state));
  app.route("/api", buildDocsRoutes(state));
  app.route("/api/trash", buildTrashRoutes(state));
  app.route("/api/dedupe", buildDedupeRoutes(state));
  app.route("/api/watch", buildWatchRoutes(state));
  app.route("/metrics", buildMetricsRoutes(state, requests));
  app.route("/assets", buildAssetsRoutes());
  app.get("/favicon.ico", (context) => context.redirect("/assets/icon.svg", 302));
  app.route("/", buildMediaRoutes(state));
  const flashes = new FlashMessages();
  app.route("/", buildBulkPageRoutes(state));
  app.route("/", buildHistoryPageRoutes(state, flashes));
  app.route("/", buildPageRoutes(state, flashes));
  app.route("/", buildTrashPageRoutes(state, flashes));
  app.route("/", buildImplicationsPageRoutes(state, flashes));
  app.route("/", buildAliasesPageRoutes(state, flashes));
  app.route("/", buildLibraryPageRoutes(state, flashes));
  app.route("/", buildTaskPageRoutes(state, flashes));
  app.route("/", buildDuplicatesPageRoutes(state, flashes));
  app.notFound((context) => {
    const path = new URL(context.req.url).pathname;
    return answerFailure(state, context, new AppError("not_found", `There is nothing at ${path}`));
  });
  app.onError((error, context) =>
    // What the middleware refuses before the routes of that API see it.
    isDanbooruRequest(context.req.raw)
      ? danbooruProblem(context.req.raw, error)
      : answerFailure(state, context, error)
  );
  return app;
}

/** A page for people who asked for one, RFC 9457 for everyone else; bugs go to the log. */
async function answerFailure(
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
  if (!wantsPage) return answerProblem(context, problem);
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
