import { type Context, Hono } from "hono";
import { AppError } from "../base/errors.ts";
import { QuerySyntaxError } from "../base/query_syntax_error.ts";
import { describePlan, runBulkEdit } from "../library/bulk_edit.ts";
import { planLoaded } from "./api/bulk_routes.ts";
import { startOperationTask } from "./operation_tasks.ts";
import { type BulkEditDraft, BulkEditPage, type BulkEditProps } from "./pages/bulk_edit.tsx";
import { toPageStatus } from "./page_status.ts";
import { readForm, readSearch } from "./params.ts";
import { STATUS } from "./responses.ts";
import type { ServerState } from "./server_state.ts";

/**
 * The page that edits all posts of a search. The form is answered by a preview, and the form of the preview
 * by the edit, if what it would change is still as many posts as were shown.
 */
export function buildBulkPageRoutes(state: ServerState): Hono {
  const routes = new Hono();
  routes.get("/posts/bulk", (context) => {
    const draft = { query: readSearch(context).query, add: "", remove: "", all: false };
    return show(state, context, { draft, preview: null, message: null });
  });
  routes.post("/posts/bulk", async (context) => {
    const text = await readForm(context);
    const draft = {
      query: text("query").trim(),
      add: text("add"),
      remove: text("remove"),
      all: text("all") === "yes",
    };
    try {
      return await answer(state, context, { draft, expected: text("expected") });
    } catch (error) {
      const code = error instanceof QuerySyntaxError
        ? "query_syntax"
        : error instanceof AppError
        ? error.code
        : undefined;
      if (code === undefined) throw error;
      const { message } = error as Error;
      const remedy = error instanceof AppError
        ? error.remedy
        : (error as QuerySyntaxError).suggestion;
      context.status(STATUS[code]);
      return await show(state, context, {
        draft,
        preview: null,
        message: { kind: "error", text: message, remedy: toPageRemedy(code, remedy) },
      });
    }
  });
  return routes;
}

function toPageRemedy(code: string, remedy: string | null | undefined): string | null {
  if (remedy === undefined || remedy === null) return null;
  if (code === "query_syntax") return `Did you mean: ${remedy}`;
  // The remedy of the API names its field.
  return remedy.includes('"all"') ? "Name a tag, or tick the box below" : remedy;
}

async function answer(
  state: ServerState,
  context: Context,
  { draft, expected }: { draft: BulkEditDraft; expected: string },
): Promise<Response> {
  const { query, all } = draft;
  const request = { query, all, add: toNames(draft.add), remove: toNames(draft.remove) };
  const plan = await planLoaded(state, request);
  const preview = describePlan(plan);
  if (expected !== String(preview.changed) || preview.changed === 0) {
    const isOther = expected !== "" && expected !== String(preview.changed);
    const text = "Meanwhile other posts would change: look at it once more";
    const message = isOther ? { kind: "error" as const, text } : null;
    return await show(state, context, { draft, preview, message });
  }
  const { library } = state;
  const { started } = startOperationTask(
    library,
    "bulk-edit",
    (options) => runBulkEdit(library, plan, options),
  );
  const operationId = await started;
  return context.redirect(operationId === null ? "/history" : `/operations/${operationId}`, 303);
}

function toNames(text: string): string[] {
  return text.split(/[\s\u0085]+/u).filter((name) => name !== "");
}

async function show(
  state: ServerState,
  context: Context,
  props: Omit<BulkEditProps, "status">,
): Promise<Response> {
  return await context.html(<BulkEditPage {...props} status={toPageStatus(state)} />);
}
