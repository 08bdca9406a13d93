import type { MiddlewareHandler } from "hono";
import { isLogged, log, withLogContext } from "../base/log.ts";
import type { RequestMetrics } from "./request_metrics.ts";

/** What a proxy may send: nothing that could look like anything else in a log. */
const SANE_ID = /^[\w.:-]{1,64}$/;
/** Unlike that of any other start, so that ids of two starts never meet. */
const START = crypto.getRandomValues(new Uint8Array(4)).toHex();

let lastNumber = 0;

/**
 * Gives each request an id, which stands in its answer (`X-Request-Id`) and in every line that is logged
 * for it, and counts it. An id that the client sends is kept if it is sane. Requests are logged at level
 * debug, refusals for want of a secret at info, failures of the server as warnings.
 */
export function followRequests(metrics: RequestMetrics): MiddlewareHandler {
  return async (context, next) => {
    const startedAt = performance.now();
    const sent = context.req.header("x-request-id");
    const requestId = sent !== undefined && SANE_ID.test(sent)
      ? sent
      : `${START}-${(++lastNumber).toString(36)}`;
    await withLogContext({ requestId }, next);
    context.res.headers.set("x-request-id", requestId);
    const { status } = context.res;
    const ms = performance.now() - startedAt;
    metrics.record(context.req.path, status, ms / 1_000);
    if (status >= 400 || isLogged("debug")) {
      withLogContext({ requestId }, () => report(context.req, status, ms));
    }
  };
}

function report(
  request: { method: string; path: string; url: string },
  status: number,
  ms: number,
): void {
  const { method, path } = request;
  const properties = { method, path, status, ms: Math.round(ms * 10) / 10 };
  const text = "{method} {path} {status} in {ms} ms";
  // Whoever waits until the server is ready is told so by that very status.
  if (status >= 500 && path !== "/readyz") log("http").warn(text, properties);
  else if (status === 401 || status === 403) log("http").info(text, properties);
  else if (isLogged("debug")) {
    const query = new URL(request.url).search;
    log("http").debug("{method} {path}{query} {status} in {ms} ms", { ...properties, query });
  }
}
