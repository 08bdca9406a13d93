import { type Context, Hono } from "hono";
import { AppError } from "../base/errors.ts";
import {
  addImplication,
  approveImplication,
  type ImplicationChange,
  type ImplicationPreview,
  previewImplication,
  removeImplication,
} from "../library/implications.ts";
import type { Library } from "../library/library.ts";
import { TAG_RULES_TASK } from "../library/tag_rules.ts";
import { readImplications } from "../store/implications.ts";
import { readIds, toImplicationId, toNamePattern } from "./api/implications_routes.ts";
import type { FlashMessages } from "./flash.ts";
import { IMPLICATIONS_PATH, ImplicationsPage } from "./pages/implications.tsx";
import type { PageMessage } from "./pages/message.tsx";
import type { RunningRules } from "./pages/rule_parts.tsx";
import { toPageStatus } from "./page_status.ts";
import { readForm } from "./params.ts";
import { STATUS } from "./responses.ts";
import type { ServerState } from "./server_state.ts";

/** Rules on one page. */
export const RULES_SHOWN = 100;

/** What a page of rules shows besides its list. */
type Shown = { message: PageMessage | null; draft: { source: string; implied: string } };

const NO_DRAFT: Shown["draft"] = { source: "", implied: "" };

/** The page of implications and its forms. */
export function buildImplicationsPageRoutes(state: ServerState, flashes: FlashMessages): Hono {
  const { library } = state;
  const routes = new Hono();
  const done = (context: Context, text: string) => {
    const key = flashes.put({ kind: "done", text });
    return context.redirect(`${IMPLICATIONS_PATH}?done=${key}`, 303);
  };
  routes.get(IMPLICATIONS_PATH, (context) =>
    show(state, context, {
      message: flashes.take(context.req.query("done")),
      draft: {
        source: context.req.query("source") ?? "",
        implied: context.req.query("implied") ?? "",
      },
    }));
  routes.post(IMPLICATIONS_PATH, async (context) => {
    const text = await readForm(context);
    const draft = { source: text("source"), implied: text("implied") };
    const status = text("status") === "pending" ? "pending" : "active";
    return await orSay(context, async () => {
      const change = await addImplication(library, { ...draft, status });
      const names = describe(change);
      return done(context, status === "active" ? `${names} holds.` : `${names} was proposed.`);
    }, (message) => show(state, context, { message, draft }));
  });
  routes.post(
    `${IMPLICATIONS_PATH}/:id/approve`,
    (context) =>
      orSay(context, async () => {
        const change = await approveImplication(library, readIds(context.req.param("id")));
        return done(context, `${describe(change)} holds.`);
      }, (message) => show(state, context, { message, draft: NO_DRAFT })),
  );
  routes.post(
    `${IMPLICATIONS_PATH}/:id/remove`,
    (context) =>
      orSay(context, async () => {
        const change = await removeImplication(library, readIds(context.req.param("id")));
        return done(context, `${describe(change)} holds no more.`);
      }, (message) => show(state, context, { message, draft: NO_DRAFT })),
  );
  return routes;
}

function describe({ implication }: ImplicationChange): string {
  return `${implication.source} → ${implication.implied}`;
}

/** Does what a form asks; what is refused is said on its page. */
export async function orSay(
  context: Context,
  work: () => Promise<Response>,
  say: (message: PageMessage) => Promise<Response>,
): Promise<Response> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AppError) || error.code === "not_found") throw error;
    context.status(STATUS[error.code]);
    return await say(toErrorMessage(error));
  }
}

/** A failure as a page says it. */
export function toErrorMessage(error: AppError): PageMessage {
  return { kind: "error", text: error.message, remedy: error.remedy ?? null };
}

async function show(
  state: ServerState,
  context: Context,
  { message, draft }: Shown,
): Promise<Response> {
  const { library } = state;
  const { q, page } = readRuleList(context);
  const status = context.req.query("status") ?? "all";
  const { implications, total } = readImplications(library.core.reader, {
    either: q.trim() === "" ? undefined : toNamePattern(q),
    status: status === "all" || status === "" ? undefined : status,
    limit: RULES_SHOWN,
    offset: (page - 1) * RULES_SHOWN,
  });
  const looked = message?.kind === "error" ? { preview: null, message } : await look(library, {
    draft,
    message,
  });
  return await context.html(
    <ImplicationsPage
      implications={implications.map((one) => ({ ...one, key: toImplicationId(one) }))}
      total={total}
      page={page}
      limit={RULES_SHOWN}
      q={q}
      status={status}
      draft={draft}
      preview={looked.preview}
      running={toRunning(library)}
      message={looked.message}
      library={toPageStatus(state)}
    />,
  );
}

async function look(
  library: Library,
  { draft, message }: Shown,
): Promise<{ preview: ImplicationPreview | null; message: PageMessage | null }> {
  if (draft.source.trim() === "" || draft.implied.trim() === "") return { preview: null, message };
  try {
    return { preview: await previewImplication(library, draft), message };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { preview: null, message: toErrorMessage(error) };
  }
}

/** Name and page that a list of rules is asked for. */
export function readRuleList(context: Context): { q: string; page: number } {
  const { q = "", page = "1" } = context.req.query();
  return { q, page: /^[1-9]\d{0,8}$/.test(page) ? Number(page) : 1 };
}

/** How far the task is that brings rules to posts; null when none runs. */
export function toRunning({ tasks }: Library): RunningRules | null {
  const task = tasks.active(TAG_RULES_TASK);
  if (task === undefined) return null;
  const { done, total, message } = task.progress ?? { done: 0, total: 0, message: "" };
  return { done, total: total ?? done, message };
}
