import { Hono } from "hono";
import { buildApiDocument } from "../openapi/document.ts";
import { ROUTES } from "../openapi/routes.ts";
import { toPageStatus } from "../page_status.ts";
import { ApiDocsPage } from "../pages/api_docs.tsx";
import type { ServerState } from "../server_state.ts";

/** `GET /openapi.json` and `GET /docs`: the JSON API described, for programs and for people. */
export function buildDocsRoutes(state: ServerState): Hono {
  const hasSecret = state.adminSecret !== null;
  const toDocument = memoized(() =>
    buildApiDocument(ROUTES, { version: state.version, hasSecret })
  );
  const routes = new Hono();
  routes.get("/openapi.json", (context) => context.json(toDocument()));
  routes.get("/docs", (context) =>
    context.html(
      <ApiDocsPage
        routes={ROUTES}
        document={toDocument()}
        origin={state.addresses.originOf(context.req) ?? new URL(context.req.url).origin}
        hasSecret={hasSecret}
        status={toPageStatus(state)}
      />,
    ));
  return routes;
}

/** Made when somebody first asks: a start does not wait for it. */
function memoized<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => made ??= make();
}
