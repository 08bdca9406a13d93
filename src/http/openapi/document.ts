import * as z from "zod";
import { isGuarded } from "../administration.ts";
import { STATUS } from "../responses.ts";
import type { Answer, ProblemStatus, RouteDescription } from "./route.ts";
import { COMPONENTS } from "./schemas.ts";

/** A JSON document; OpenAPI leaves the shape of what is in it to its specification. */
export type JsonObject = { [key: string]: unknown };

/** A parameter of an operation. */
export type Parameter = {
  name: string;
  in: "path" | "query" | "header";
  required: boolean;
  description?: string;
  schema: JsonObject;
};

/** A body: type → what it is. */
export type Content = Record<string, { schema?: JsonObject }>;

/** An operation of the document. */
export type Operation = {
  operationId: string;
  tags: string[];
  summary: string;
  description?: string;
  parameters: Parameter[];
  requestBody?: { required: boolean; content: Content };
  responses: Record<
    string,
    { description: string; headers?: Record<string, JsonObject>; content?: Content }
  >;
  security?: Record<string, string[]>[];
};

/** The document of the API. */
export type ApiDocument = {
  openapi: string;
  info: { title: string; version: string; description: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, JsonObject>; securitySchemes: Record<string, JsonObject> };
};

/** What the document says of the server. */
export type DocumentOptions = {
  version: string;
  /** Whether an administrator's secret is configured. */
  hasSecret: boolean;
};

const PROBLEM_TYPE = "application/problem+json";
const COMPONENTS_PATH = "#/components/schemas/";

/**
 * Builds the OpenAPI document of the JSON API from the schemas that check its requests.
 *
 * Source: {@link https://spec.openapis.org/oas/v3.1.1.html | OpenAPI 3.1}
 */
export function buildApiDocument(
  routes: readonly RouteDescription[],
  { version, hasSecret }: DocumentOptions,
): ApiDocument {
  const schemas = toAnswerSchemas(routes);
  const paths: ApiDocument["paths"] = {};
  for (const route of routes) {
    const path = toTemplate(route.path);
    const operation = describeOperation(route, { schemas, hasSecret });
    paths[path] = { ...paths[path], [route.method]: operation };
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "ChibiBooru",
      version,
      description:
        "Pictures and videos of one library. Failures are RFC 9457 problems with a `code`. What takes " +
        "long is a task: 202 with its address in Location. The Danbooru API (`/posts.json` and the " +
        "like) is not described here.",
    },
    paths,
    components: {
      schemas: schemas.named,
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description: "The value of CHIBIBOORU_ADMIN_SECRET, where it is set",
        },
        key: { type: "apiKey", in: "header", name: "X-Api-Key", description: "The same" },
      },
    },
  };
}

/** A router's path as OpenAPI writes it: `/api/images/{id}`. */
export function toTemplate(path: string): string {
  return path.replaceAll(/:(\w+)/g, "{$1}");
}

/** Name of a route: `get /api/images/:id/source` is `getImagesSourceById`. */
export function toOperationId({ method, path }: Pick<RouteDescription, "method" | "path">): string {
  const words = path.replace(/^\/api\b/, "").split(/[^A-Za-z0-9:]+/).filter((word) => word !== "");
  const names = words.filter((word) => !word.startsWith(":")).map(capitalize);
  const keys = words.filter((word) => word.startsWith(":")).map((word) =>
    capitalize(word.slice(1))
  );
  return method + names.join("") + (keys.length === 0 ? "" : `By${keys.join("And")}`);
}

function capitalize(word: string): string {
  return word[0].toUpperCase() + word.slice(1);
}

/** Statuses of a route's failures, ascending: what it names, and what follows from how it is asked. */
export function problemsOf(route: RouteDescription): ProblemStatus[] {
  // A page of another site, or a foreign Host; and a fault of ours.
  const statuses = new Set<ProblemStatus>([403, 500, ...route.problems ?? []]);
  const hasBody = route.body !== undefined || route.bodyTypes !== undefined;
  if (route.query !== undefined || hasBody) statuses.add(400);
  if (hasBody) statuses.add(415);
  if (route.method !== "get") statuses.add(413);
  if (route.keys !== undefined) statuses.add(404);
  if (isGuarded(route.method, route.path)) statuses.add(401);
  return [...statuses].sort((a, b) => a - b);
}

/** Schemas of answers: those with a name, and those of the others by what they were made from. */
type AnswerSchemas = { named: Record<string, JsonObject>; of: (schema: z.ZodType) => JsonObject };

/** Converts all at once, so that a schema that occurs in several is described once and referred to. */
function toAnswerSchemas(routes: readonly RouteDescription[]): AnswerSchemas {
  const registry = z.registry<{ id: string }>();
  const names = new Map<z.ZodType, string>();
  const add = (schema: z.ZodType, id: string) => {
    if (names.has(schema)) return;
    registry.add(schema, { id });
    names.set(schema, id);
  };
  for (const [id, schema] of COMPONENTS._idmap) add(schema as z.ZodType, id);
  const isNamed = (id: string) => COMPONENTS._idmap.has(id);
  for (const schema of routes.flatMap(({ answers }) => answers.map(({ schema }) => schema))) {
    if (schema !== undefined) add(schema, `answer ${names.size}`);
  }
  const { schemas } = z.toJSONSchema(registry, {
    io: "output",
    uri: (id) => COMPONENTS_PATH + id,
    override: withoutNoise,
  });
  const all = schemas as Record<string, JsonObject>;
  return {
    named: Object.fromEntries(
      Object.entries(all).filter(([id]) => isNamed(id)).map(([id, one]) => [id, strip(one)]),
    ),
    of: (schema) => {
      const id = names.get(schema)!;
      return isNamed(id) ? { $ref: COMPONENTS_PATH + id } : strip(all[id]);
    },
  };
}

function strip({ $schema: _, $id: __, ...schema }: JsonObject): JsonObject {
  return schema;
}

/** Bounds that every whole number of the language has say nothing. */
function withoutNoise({ jsonSchema }: { jsonSchema: JsonObject }): void {
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
}

function toInputSchema(schema: z.ZodType): JsonObject {
  return strip(z.toJSONSchema(schema, { io: "input", override: withoutNoise }));
}

function describeOperation(
  route: RouteDescription,
  { schemas, hasSecret }: { schemas: AnswerSchemas; hasSecret: boolean },
): Operation {
  const answers = route.answers.map((answer) => [answer.status, describeAnswer(answer, schemas)]);
  const problems = problemsOf(route).map((status) => [status, {
    description: codesOf(status),
    content: { [PROBLEM_TYPE]: { schema: { $ref: `${COMPONENTS_PATH}Problem` } } },
  }]);
  const secret: Operation["security"] = [{ bearer: [] }, { key: [] }];
  return {
    operationId: toOperationId(route),
    tags: [route.part],
    summary: route.summary,
    ...(route.details === undefined ? {} : { description: route.details }),
    parameters: describeParameters(route),
    ...describeBody(route),
    // What is answered when all is well stands before a problem of the same status.
    responses: { ...Object.fromEntries(problems), ...Object.fromEntries(answers) },
    ...(isGuarded(route.method, route.path)
      ? { security: hasSecret ? secret : [...secret, {}] }
      : {}),
  };
}

function describeAnswer(
  { description, schema, contentType, headers }: Answer,
  schemas: AnswerSchemas,
): Operation["responses"][string] {
  const content = schema !== undefined
    ? { "application/json": { schema: schemas.of(schema) } }
    : contentType !== undefined
    ? { [contentType]: { schema: { type: "string" } } }
    : undefined;
  return {
    description,
    ...(headers === undefined ? {} : {
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, what]) =>
          [name, { description: what, schema: { type: "string" } }] as const
        ),
      ),
    }),
    ...(content === undefined ? {} : { content }),
  };
}

function describeBody(
  { body, bodyTypes, isBodyOptional = false }: RouteDescription,
): Pick<Operation, "requestBody"> {
  if (body !== undefined) {
    const content = { "application/json": { schema: toInputSchema(body) } };
    return { requestBody: { required: !isBodyOptional, content } };
  }
  if (bodyTypes === undefined) return {};
  return {
    requestBody: {
      required: true,
      content: Object.fromEntries(bodyTypes.map((type) => [type, {}])),
    },
  };
}

function describeParameters({ keys, query, headers = {} }: RouteDescription): Parameter[] {
  return [
    ...fieldsOf(keys).map((field): Parameter => ({ ...field, in: "path", required: true })),
    ...fieldsOf(query).map((field): Parameter => ({ ...field, in: "query" })),
    ...Object.entries(headers).map(([name, description]): Parameter => ({
      name,
      in: "header",
      required: false,
      description,
      schema: { type: "string" },
    })),
  ];
}

function fieldsOf(object: z.ZodObject | undefined): Omit<Parameter, "in">[] {
  if (object === undefined) return [];
  const { properties = {}, required = [] } = toInputSchema(object) as {
    properties?: Record<string, JsonObject>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    required: required.includes(name),
    ...(typeof description === "string" ? { description } : {}),
    schema: { ...schema, ...defaultOf(object.shape[name] as z.ZodType, schema) },
  }));
}

/** The default of a parameter as it would be written; the library leaves out those behind a conversion. */
function defaultOf(field: z.ZodType, schema: JsonObject): { default?: unknown } {
  const { success, data } = field.safeParse(undefined);
  if (!success || data === undefined) return {};
  return { default: schema.type === "string" ? String(data) : data };
}

/** The codes that a status can stand for, so that a client knows them all. */
function codesOf(status: number): string {
  const codes = Object.entries(STATUS).filter(([, value]) => value === status).map(([code]) =>
    code
  );
  return codes.join(", ");
}
