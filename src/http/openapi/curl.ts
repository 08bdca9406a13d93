import { isGuarded } from "../administration.ts";
import type { RouteDescription } from "./route.ts";

/** What an example of a request needs to know. */
export type CurlOptions = {
  /** Address of the server, without a slash at its end. */
  origin: string;
  /** Whether an administrator's secret is configured. */
  hasSecret: boolean;
};

/** A request as a line for the shell, from the route's example. */
export function toCurl(route: RouteDescription, { origin, hasSecret }: CurlOptions): string {
  const { keys = {}, query = {}, body } = route.example ?? {};
  const path = route.path.replaceAll(
    /:(\w+)/g,
    (_, name) => encodeURIComponent(keys[name] ?? "1"),
  );
  const address = `${origin}${path}${toSearch(query)}`;
  const isStream = route.answers.some(({ contentType }) => contentType === "text/event-stream");
  return [
    "curl",
    ...(isStream ? ["-N"] : []),
    ...(route.method === "get" ? [] : ["-X", route.method.toUpperCase()]),
    ...(hasSecret && isGuarded(route.method, route.path)
      ? ["-H", '"Authorization: Bearer $CHIBIBOORU_ADMIN_SECRET"']
      : []),
    ...(route.bodyTypes === undefined ? [] : [
      "-H",
      quote(`Content-Type: ${route.bodyTypes[0]}`),
      "--data-binary",
      "@tags.csv",
    ]),
    ...(route.body === undefined || body === undefined ? [] : [
      "-H",
      quote("Content-Type: application/json"),
      "-d",
      quote(JSON.stringify(body)),
    ]),
    quote(address),
  ].join(" ");
}

function toSearch(query: Readonly<Record<string, string>>): string {
  const text = new URLSearchParams(query).toString();
  return text === "" ? "" : `?${text}`;
}

/** One word for any shell of POSIX. */
function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
