import type * as z from "zod";

/** One way in which a route answers when all is well. */
export type Answer = {
  status: 200 | 201 | 202 | 204 | 304 | 503;
  description: string;
  /** The JSON of the body; left out where the body is none, or there is none. */
  schema?: z.ZodType;
  /** Type of a body that is no JSON. */
  contentType?: string;
  /** Headers that a client may want: name → what it says. */
  headers?: Readonly<Record<string, string>>;
};

/** A request that works, as documentation shows it. */
export type RouteExample = {
  /** Parts of the path. */
  keys?: Readonly<Record<string, string>>;
  query?: Readonly<Record<string, string>>;
  body?: unknown;
};

/** Statuses of failures. */
export type ProblemStatus = 400 | 401 | 403 | 404 | 409 | 412 | 413 | 415 | 422 | 500 | 503;

/** One route of the JSON API, as the document of the API describes it. */
export type RouteDescription = {
  method: "get" | "post" | "put" | "delete";
  /** As the router has it: `/api/images/:id`. */
  path: string;
  /** The part of the API that it belongs to. */
  part: string;
  /** What it does, in a line. */
  summary: string;
  /** What else is to be known. */
  details?: string;
  /** The parts of the path that vary. */
  keys?: z.ZodObject;
  /** Parameters of the address, by the schema that checks them. */
  query?: z.ZodObject;
  /** Headers that change what the route does. */
  headers?: Readonly<Record<string, string>>;
  /** The JSON body, by the schema that checks it. */
  body?: z.ZodType;
  /** Whether a request without a body means the same as one with `{}`. */
  isBodyOptional?: boolean;
  /** Types of a body that is no JSON. */
  bodyTypes?: readonly string[];
  answers: readonly Answer[];
  /** Failures besides those that follow from the rest (see `problemsOf`). */
  problems?: readonly ProblemStatus[];
  example?: RouteExample;
};
