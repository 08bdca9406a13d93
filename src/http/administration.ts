import type { Hono, MiddlewareHandler } from "hono";
import { requireSecret } from "./middleware.ts";

/** What destroys or replaces much at once, by method and path. */
const GUARDED: readonly [method: string, path: string][] = [
  ["POST", "/api/trash/empty"],
  ["DELETE", "/api/trash/:id"],
  ["PUT", "/api/trash/settings"],
  ["POST", "/api/dedupe"],
  ["POST", "/api/tags/bulk"],
  ["POST", "/api/backup"],
  ["POST", "/api/rebuild"],
];

/** Whether a route needs the administrator's secret where one is configured. */
export function isGuarded(method: string, path: string): boolean {
  if (path === "/metrics") return true;
  return GUARDED.some(([name, where]) => name === method.toUpperCase() && where === path);
}

/**
 * Asks programs for the administrator's secret where one is configured: for `/metrics`, and for what
 * destroys much by the API. The library's own pages go on without it: a browser says of each of their
 * requests that it comes from the same site, which pages of other sites cannot say.
 */
export function guardAdministration(app: Hono, secret: string | null): void {
  if (secret === null) return;
  const guard = requireSecret(secret);
  const guardPrograms: MiddlewareHandler = async (context, next) => {
    if (context.req.header("sec-fetch-site") === "same-origin") return await next();
    return await guard(context, next);
  };
  app.use("/metrics", guard);
  for (const [method, path] of GUARDED) app.on(method, path, guardPrograms);
}
