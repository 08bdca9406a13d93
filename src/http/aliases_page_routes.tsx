import { type Context, Hono } from "hono";
import {
  addAlias,
  approveAlias,
  listAliases,
  previewAlias,
  removeAlias,
} from "../library/aliases.ts";
import { nameMatcher } from "./danbooru/matchers.ts";
import type { FlashMessages } from "./flash.ts";
import { ALIASES_PATH, AliasesPage } from "./pages/aliases.tsx";
import { toPageStatus } from "./page_status.ts";
import { readForm } from "./params.ts";
import {
  lookAtDraft,
  readRuleList,
  RuleForms,
  RULES_SHOWN,
  type RuleShown,
  toRunning,
} from "./rule_page_routes.ts";
import type { ServerState } from "./server_state.ts";

/** The page of aliases and its forms. */
export function buildAliasesPageRoutes(state: ServerState, flashes: FlashMessages): Hono {
  const { library } = state;
  const routes = new Hono();
  const forms = new RuleForms({
    path: ALIASES_PATH,
    fields: ["antecedent", "consequent"],
    flashes,
    show: (context, shown) => show(state, context, shown),
  });
  routes.get(ALIASES_PATH, (context) => forms.open(context));
  routes.post(ALIASES_PATH, (context) =>
    forms.draft(context, async ({ draft, status, text }) => {
      const movesImages = text("move") === "yes";
      const { alias } = await addAlias(library, { ...draft, status, movesImages });
      const names = `${alias.antecedent} means ${alias.consequent}`;
      return status === "active" ? `${names} now.` : `${names}: proposed.`;
    }));
  routes.post(`${ALIASES_PATH}/approve`, async (context) => {
    const antecedent = (await readForm(context))("antecedent");
    return await forms.button(context, async () => {
      const { alias } = await approveAlias(library, { antecedent, movesImages: true });
      return `${alias.antecedent} means ${alias.consequent} now.`;
    });
  });
  routes.post(`${ALIASES_PATH}/remove`, async (context) => {
    const antecedent = (await readForm(context))("antecedent");
    return await forms.button(context, async () => {
      const alias = await removeAlias(library, antecedent);
      return `${alias.antecedent} is no alias any more.`;
    });
  });
  return routes;
}

async function show(
  state: ServerState,
  context: Context,
  shown: RuleShown<"antecedent" | "consequent">,
): Promise<Response> {
  const { library } = state;
  const { q, page, offset } = readRuleList(context);
  const status = context.req.query("status") === "pending" ? "pending" : "active";
  const { aliases, total } = await listAliases(library, {
    status,
    matches: q.trim() === "" ? () => true : nameMatcher(q),
    limit: RULES_SHOWN,
    offset,
  });
  const { draft } = shown;
  const looked = await lookAtDraft(
    shown,
    () => previewAlias(library, { ...draft, movesImages: true }),
  );
  return await context.html(
    <AliasesPage
      aliases={aliases}
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
