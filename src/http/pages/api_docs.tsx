import { isGuarded } from "../administration.ts";
import { toCurl } from "../openapi/curl.ts";
import {
  type ApiDocument,
  type Content,
  type JsonObject,
  type Operation,
  type Parameter,
  toOperationId,
  toTemplate,
} from "../openapi/document.ts";
import type { RouteDescription } from "../openapi/route.ts";
import { toBoundsText, toTypePieces } from "../openapi/type_text.ts";
import { Layout } from "./layout.tsx";
import type { PageStatus } from "./page_status.ts";

/** What {@link ApiDocsPage} shows. */
export type ApiDocsProps = {
  routes: readonly RouteDescription[];
  document: ApiDocument;
  /** Address of the server, for examples. */
  origin: string;
  /** Whether an administrator's secret is configured. */
  hasSecret: boolean;
  status: PageStatus;
};

/** The JSON API for people: every route with its parameters, body, answers and an example. */
export function ApiDocsPage(props: ApiDocsProps) {
  const { routes, document, status } = props;
  const parts = Map.groupBy(routes, ({ part }) => part);
  return (
    <Layout title="API" query="" status={status} section="help">
      <article class="help-page api">
        <h1>API</h1>
        <p>
          JSON over HTTP. For programs that read descriptions there is{" "}
          <a href="/api/openapi.json">openapi.json</a>{" "}
          (OpenAPI 3.1). Clients of Danbooru find its API at <code>/posts.json</code>{" "}
          and the like; it is not described here.
        </p>
        <nav aria-label="Parts of the API">
          <ul class="api-parts">
            {[...parts.keys(), "Schemas"].map((part) => (
              <li>
                <a href={`#${toAnchor(part)}`}>{part}</a>
              </li>
            ))}
          </ul>
        </nav>
        <Rules hasSecret={props.hasSecret} />
        {[...parts].map(([part, members]) => (
          <section aria-labelledby={toAnchor(part)}>
            <h2 id={toAnchor(part)}>{part}</h2>
            {members.map((route) => <Route {...props} key={toOperationId(route)} route={route} />)}
          </section>
        ))}
        <section aria-labelledby={toAnchor("Schemas")}>
          <h2 id={toAnchor("Schemas")}>Schemas</h2>
          {Object.entries(document.components.schemas).map(([name, schema]) => (
            <details class="api-route" id={`schema-${name}`} open>
              <summary>
                <code>{name}</code>
              </summary>
              <Type schema={schema} />
            </details>
          ))}
        </section>
      </article>
    </Layout>
  );
}

/** What holds for every route. */
function Rules({ hasSecret }: { hasSecret: boolean }) {
  return (
    <ul class="api-rules">
      <li>
        A success is the object itself. A failure is a <SchemaLink name="Problem" />{" "}
        (RFC 9457), with a <code>code</code> for programs and often a <code>remedy</code>.
      </li>
      <li>
        What takes long answers 202 with a <SchemaLink name="Task" /> and its address in{" "}
        <code>Location</code>; one of each kind runs at a time.
      </li>
      <li>
        Lists have <code>next</code>: the <code>page</code> of the next part, or null.
      </li>
      <li>
        What destroys much at once is marked “secret”. {hasSecret
          ? "This server has one: send it as Authorization: Bearer …, or as X-Api-Key."
          : "This server has none: CHIBIBOORU_ADMIN_SECRET is not set."}
      </li>
    </ul>
  );
}

function Route({ route, document, origin, hasSecret }: ApiDocsProps & { route: RouteDescription }) {
  const operation = document.paths[toTemplate(route.path)][route.method];
  return (
    <details class="api-route" id={operation.operationId}>
      <summary>
        <code class={`api-method ${route.method}`}>{route.method.toUpperCase()}</code>{" "}
        <code>{route.path}</code>
        {isGuarded(route.method, route.path) && <span class="api-secret">secret</span>}
        <span class="api-summary">{route.summary}</span>
      </summary>
      {route.details !== undefined && <p>{route.details}</p>}
      <pre class="api-shape">
        {toCurl(route, { origin, hasSecret })}
      </pre>
      {operation.parameters.length > 0 && <Parameters parameters={operation.parameters} />}
      <Body operation={operation} />
      <Answers route={route} operation={operation} />
    </details>
  );
}

function Parameters({ parameters }: { parameters: readonly Parameter[] }) {
  return (
    <>
      <h3>Parameters</h3>
      <dl class="terms">
        {parameters.map(({ name, in: place, required, description, schema }) => {
          const bounds = toBoundsText(schema);
          return (
            <div>
              <dt>
                <code>{name}</code>
                <span>{place}{required && ", required"}</span>
              </dt>
              <dd>
                <code>
                  <Pieces schema={schema} />
                </code>
                {bounds !== "" && ` (${bounds})`}
                {description !== undefined && `: ${description}`}
              </dd>
            </div>
          );
        })}
      </dl>
    </>
  );
}

function Body({ operation: { requestBody } }: { operation: Operation }) {
  if (requestBody === undefined) return null;
  const types = Object.keys(requestBody.content).join(", ");
  return (
    <>
      <h3>Body</h3>
      <p>
        {types}
        {!requestBody.required && "; it can be left out"}
      </p>
      <ContentType content={requestBody.content} />
    </>
  );
}

function Answers({ route, operation }: { route: RouteDescription; operation: Operation }) {
  const statuses = route.answers.map(({ status }) => String(status));
  const problems = Object.keys(operation.responses).filter((status) => !statuses.includes(status));
  return (
    <>
      {statuses.map((status) => {
        const { description, content = {}, headers = {} } = operation.responses[status];
        const types = Object.keys(content).filter((type) => type !== "application/json");
        return (
          <>
            <h3>Answer {status}</h3>
            <p>
              {description}
              {types.length > 0 && ` (${types.join(", ")})`}
              {Object.keys(headers).length > 0 && `; header ${Object.keys(headers).join(", ")}`}
            </p>
            <ContentType content={content} />
          </>
        );
      })}
      <h3>Problems</h3>
      <p>
        {problems.map((status, i) => (
          <>
            {i > 0 && " · "}
            <code>{status}</code> {operation.responses[status].description}
          </>
        ))}
      </p>
    </>
  );
}

function ContentType({ content }: { content: Content }) {
  const schema = content["application/json"]?.schema;
  return schema === undefined ? null : <Type schema={schema} />;
}

function Type({ schema }: { schema: JsonObject }) {
  return (
    <pre class="api-shape">
      <Pieces schema={schema} />
    </pre>
  );
}

function Pieces({ schema }: { schema: JsonObject }) {
  return (
    <>
      {toTypePieces(schema).map((piece, i) =>
        "text" in piece ? piece.text : <SchemaLink key={i} name={piece.name} />
      )}
    </>
  );
}

function SchemaLink({ name }: { name: string }) {
  return <a href={`#schema-${name}`}>{name}</a>;
}

function toAnchor(part: string): string {
  return `part-${part.toLowerCase()}`;
}
