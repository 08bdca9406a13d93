import { type Context, Hono } from "hono";
import { AppError } from "../base/errors.ts";
import {
  addAlias,
  type AliasPreview,
  approveAlias,
  listAliases,
  previewAlias,
  removeAlias,
} from "../library/aliases.ts";
import type { Library } from "../library/library.ts";
import { nameMatcher } from "./danbooru/matchers.ts";
import type { FlashMessages } from "./flash.ts";
import {
  orSay,
  readRuleList,
  RULES_SHOWN,
  toErrorMessage,
  toRunning,
} from "./implications_page_routes.tsx";
import { ALIASES_PATH, AliasesPage } from "./pages/aliases.tsx";
import type { PageMessage } from "./pages/message.tsx";
import { toPageStatus } from "./page_status.ts";
import { readForm } from "./params.ts";
import type { ServerState } from "./server_state.ts";

type Draft = { antecedent: string; consequent: string };
type Shown = { message: PageMessage | null; draft: Draft };

const NO_DRAFT: Draft = { antecedent: "", consequent: "" };

/** The page of aliases and its forms. */
export function buildAliasesPageRoutes(state: ServerState, flashes: FlashMessages): Hono {
  const { library } = state;
  const routes = new Hono();
  const done = (context: Context, text: string) => {
    const key = flashes.put({ kind: "done", text });
    return context.redirect(`${ALIASES_PATH}?done=${key}`, 303);
  };
  routes.get(ALIASES_PATH, (context) =>
    show(state, context, {
      message: flashes.take(context.req.query("done")),
      draft: {
        antecedent: context.req.query("antecedent") ?? "",
        consequent: context.req.query("consequent") ?? "",
      },
    }));
  routes.post(ALIASES_PATH, async (context) => {
    const text = await readForm(context);
    const draft = { antecedent: text("antecedent"), consequent: text("consequent") };
    const status = text("status") === "pending" ? "pending" : "active";
    return await orSay(context, async () => {
      const wanted = { ...draft, status, movesImages: text("move") === "yes" } as const;
      const { alias } = await addAlias(library, wanted);
      const names = `${alias.antecedent} means ${alias.consequent}`;
      return done(context, status === "active" ? `${names} now.` : `${names}: proposed.`);
    }, (message) => show(state, context, { message, draft }));
  });
  routes.post(`${ALIASES_PATH}/approve`, async (context) => {
    const antecedent = (await readForm(context))("antecedent");
    return await orSay(context, async () => {
      const { alias } = await approveAlias(library, { antecedent, movesImages: true });
      return done(context, `${alias.antecedent} means ${alias.consequent} now.`);
    }, (message) => show(state, context, { message, draft: NO_DRAFT }));
  });
  routes.post(`${ALIASES_PATH}/remove`, async (context) => {
    const antecedent = (await readForm(context))("antecedent");
    const alias = await removeAlias(library, antecedent);
    return done(context, `${alias.antecedent} is no alias any more.`);
  });
  return routes;
}

async function show(
  state: ServerState,
  context: Context,
  { message, draft }: Shown,
): Promise<Response> {
  const { library } = state;
  const { q, page } = readRuleList(context);
  const status = context.req.query("status") === "pending" ? "pending" : "active";
  const { aliases, total } = await listAliases(library, {
    status,
    matches: q.trim() === "" ? () => true : nameMatcher(q),
    limit: RULES_SHOWN,
    offset: (page - 1) * RULES_SHOWN,
  });
  const looked = message?.kind === "error"
    ? { preview: null, message }
    : look(library, { draft, message });
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

function look(
  library: Library,
  { draft, message }: Shown,
): { preview: AliasPreview | null; message: PageMessage | null } {
  if (draft.antecedent.trim() === "" || draft.consequent.trim() === "") {
    return { preview: null, message };
  }
  try {
    return { preview: previewAlias(library, { ...draft, movesImages: true }), message };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { preview: null, message: toErrorMessage(error) };
  }
}
