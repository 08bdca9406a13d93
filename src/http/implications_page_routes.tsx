import { type Context, Hono } from "hono";
import {
  addImplication,
  approveImplication,
  type ImplicationChange,
  previewImplication,
  removeImplication,
} from "../library/implications.ts";
import { readImplications } from "../store/implications.ts";
import { readIds, toImplicationId, toNamePattern } from "./api/implications_routes.ts";
import type { FlashMessages } from "./flash.ts";
import { IMPLICATIONS_PATH, ImplicationsPage } from "./pages/implications.tsx";
import { toPageStatus } from "./page_status.ts";
import {
  lookAtDraft,
  readRuleList,
  RuleForms,
  RULES_SHOWN,
  type RuleShown,
  toRunning,
} from "./rule_page_routes.ts";
import type { ServerState } from "./server_state.ts";

/** The page of implications and its forms. */
export function buildImplicationsPageRoutes(state: ServerState, flashes: FlashMessages): Hono {
  const { library } = state;
  const routes = new Hono();
  const forms = new RuleForms({
    path: IMPLICATIONS_PATH,
    fields: ["source", "implied"],
    flashes,
    show: (context, shown) => show(state, context, shown),
  });
  routes.get(IMPLICATIONS_PATH, (context) => forms.open(context));
  routes.post(IMPLICATIONS_PATH, (context) =>
    forms.draft(context, async ({ draft, status }) => {
      const names = describe(await addImplication(library, { ...draft, status }));
      return status === "active" ? `${names} holds.` : `${names} was proposed.`;
    }));
  routes.post(`${IMPLICATIONS_PATH}/:id/approve`, (context) =>
    forms.button(context, async () => {
      const change = await approveImplication(library, readIds(context.req.param("id")));
      return `${describe(change)} holds.`;
    }));
  routes.post(`${IMPLICATIONS_PATH}/:id/remove`, (context) =>
    forms.button(context, async () => {
      const change = await removeImplication(library, readIds(context.req.param("id")));
      return `${describe(change)} holds no more.`;
    }));
  return routes;
}

function describe({ implication }: ImplicationChange): string {
  return `${implication.source} → ${implication.implied}`;
}

async function show(
  state: ServerState,
  context: Context,
  shown: RuleShown<"source" | "implied">,
): Promise<Response> {
  const { library } = state;
  const { q, page, offset } = readRuleList(context);
  const status = context.req.query("status") ?? "all";
  const { implications, total } = readImplications(library.core.reader, {
    either: q.trim() === "" ? undefined : toNamePattern(q),
    status: status === "all" || status === "" ? undefined : status,
    limit: RULES_SHOWN,
    offset,
  });
  const looked = await lookAtDraft(shown, () => previewImplication(library, shown.draft));
  return await context.html(
    <ImplicationsPage
      implications={implications.map((one) => ({ ...one, key: toImplicationId(one) }))}
      total={total}
      page={page}
      limit={RULES_SHOWN}
      q={q}
      status={status}
      draft={shown.draft}
      preview={looked.preview}
      running={toRunning(library)}
      message={looked.message}
      library={toPageStatus(state)}
    />,
  );
}
