import type { Context, Handler, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { secureHeaders } from "hono/secure-headers";
import { AppError } from "../base/errors.ts";
import { BODY_BYTES_MAX } from "../base/limits.ts";
import { QuerySyntaxError } from "../base/query_syntax_error.ts";
import { isSameSecret } from "../base/secrets.ts";
import type { Addresses } from "./addresses.ts";
import { type JsonLimits, readJsonBody } from "./json_body.ts";
import { answerProblem, toProblem } from "./responses.ts";

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);
/** Values of Sec-Fetch-Site that a browser sends for our own pages and for typed addresses. */
const OWN_SITE = new Set(["same-origin", "none"]);

/** Refuses requests that do not call the server by one of its names (DNS rebinding). */
export function checkHost(addresses: Addresses): MiddlewareHandler {
  return async (context, next) => {
    if (addresses.originOf(context.req) === undefined) {
      const host = context.req.header("host") ?? new URL(context.req.url).host;
      throw new AppError("forbidden", `This server is not called ${JSON.stringify(host)}`, {
        remedy: "Use http://127.0.0.1 or http://localhost, or tell the server the address that a " +
          "proxy gives it: --public-url https://NAME",
      });
    }
    await next();
  };
}

/** Refuses writes that another site's page sends, whatever their content type. */
export function checkOrigin(addresses: Addresses): MiddlewareHandler {
  return async (context, next) => {
    if (!SAFE_METHODS.has(context.req.method)) {
      const site = context.req.header("sec-fetch-site");
      const origin = context.req.header("origin");
      const isForeign = (site !== undefined && !OWN_SITE.has(site)) ||
        (origin !== undefined && !addresses.isOwnPage(context.req, origin));
      if (isForeign) throw anotherSite(site, origin);
    }
    await next();
  };
}

/** A page that a browser took for our own, and that names another address, came through a proxy. */
function anotherSite(site: string | undefined, origin: string | undefined): AppError {
  const remedy = site === "same-origin" && origin !== undefined && URL.canParse(origin)
    ? `If ${new URL(origin).origin} is a proxy in front of this server: start the server with ` +
      "--public-url and that address, and let the proxy send on the Host of the browser"
    : undefined;
  return new AppError("forbidden", "Another site may not change this library", { remedy });
}

const bodyLimits: MiddlewareHandler = bodyLimit({
  maxSize: BODY_BYTES_MAX,
  onError: () => {
    throw new AppError("payload_too_large", `The body is larger than ${BODY_BYTES_MAX} bytes`);
  },
});

/** Paths whose routes bound their bodies themselves, since they store them as they come. */
const UPLOADS = new Set(["/api/tags/import", "/library/tags/import"]);

/** Bounds the bodies of requests; those that read nothing but have one are not asked for it. */
export const limitBody: MiddlewareHandler = async (context, next) => {
  if (context.req.method === "GET" || context.req.method === "HEAD") return await next();
  if (UPLOADS.has(context.req.path)) return await next();
  return await bodyLimits(context, next);
};

/** Headers of every page and answer: nothing from elsewhere, no inline script, no frames. */
const pageHeaders: MiddlewareHandler = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'"],
    mediaSrc: ["'self'"],
    connectSrc: ["'self'"],
    formAction: ["'self'"],
    frameAncestors: ["'none'"],
    baseUri: ["'none'"],
    objectSrc: ["'none'"],
  },
  referrerPolicy: "same-origin",
  strictTransportSecurity: false,
  // For browsers of the past, and each costs every answer.
  originAgentCluster: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
  xFrameOptions: "DENY",
  crossOriginResourcePolicy: "same-origin",
  crossOriginOpenerPolicy: "same-origin",
});

/** Security headers of every answer; a stricter policy of its own, as files have it, stays. */
export const secure: MiddlewareHandler = async (context, next) => {
  let ownPolicy: string | null = null;
  await pageHeaders(context, async () => {
    await next();
    ownPolicy = context.res.headers.get("content-security-policy");
  });
  if (ownPolicy !== null) context.header("content-security-policy", ownPolicy);
};

/**
 * Makes a route of a function that gives data: what it returns is answered as JSON that nobody keeps
 * (nothing at all as 204), a Response as it is, and an expected failure as a problem. A bug goes on to
 * the application, which logs it.
 */
export function apiHandler(work: (context: Context) => unknown): Handler {
  return async (context) => {
    try {
      const answer = await work(context);
      if (answer instanceof Response) return answer;
      context.header("cache-control", "no-store");
      if (answer === undefined) return context.body(null, 204);
      return context.json(answer as Record<string, unknown>);
    } catch (error) {
      const isExpected = error instanceof AppError || error instanceof QuerySyntaxError;
      if (!isExpected) throw error;
      return answerProblem(context, toProblem(error));
    }
  };
}

/**
 * Lets only those pass who send a secret: as `Authorization: Bearer …` or `X-Api-Key`, never in the
 * address, which is logged and remembered. Without a configured secret everybody passes.
 */
export function requireSecret(secret: string | null): MiddlewareHandler {
  return async (context, next) => {
    if (secret !== null) checkSecret(context, secret);
    await next();
  };
}

function checkSecret(context: Context, secret: string): void {
  const authorization = context.req.header("authorization") ?? "";
  const [, bearer] = /^bearer +(\S.*)$/i.exec(authorization) ?? [];
  const sent = bearer ?? context.req.header("x-api-key");
  if (sent !== undefined && isSameSecret(sent, secret)) return;
  const what = sent === undefined ? "needs the administrator's secret" : "was sent a wrong secret";
  throw new AppError("unauthorized", `${context.req.path} ${what}`, {
    remedy: "Send the value of CHIBIBOORU_ADMIN_SECRET as Authorization: Bearer …, or X-Api-Key",
  });
}

/** Refuses a request whose body is no JSON, or too long or too deep; the route then reads it for nothing. */
export function requireJsonBody(limits: JsonLimits = {}): MiddlewareHandler {
  return async (context, next) => {
    await readJsonBody(context, limits);
    await next();
  };
}
