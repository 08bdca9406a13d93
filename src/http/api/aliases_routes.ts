import { Hono } from "hono";
import * as z from "zod";
import { ID_MAX } from "../../base/ids.ts";
import { TAG_RULES_LIST_MAX } from "../../base/limits.ts";
import {
  addAlias,
  approveAlias,
  listAliases,
  previewAlias,
  removeAlias,
} from "../../library/aliases.ts";
import type { Alias } from "../../store/aliases.ts";
import { nameMatcher } from "../danbooru/matchers.ts";
import { apiHandler, requireJsonBody } from "../middleware.ts";
import { check, readJson, wholeNumber } from "../params.ts";
import type { ServerState } from "../server_state.ts";
import { RULE_NAME } from "./implications_routes.ts";

/** Query of `GET /api/aliases`. */
export const ALIAS_LIST = z.object({
  q: z.string().max(1_000).default("").describe("Name of either side; * stands for anything"),
  status: z.enum(["active", "pending"]).default("active"),
  limit: wholeNumber(TAG_RULES_LIST_MAX).default(100),
  page: wholeNumber(ID_MAX).default(1),
});

const FLAG = z.enum(["true", "false"]).transform((text) => text === "true");

/** Query of `GET /api/aliases/preview`. */
export const ALIAS_PREVIEW = z.object({
  antecedent: RULE_NAME.describe("The other name"),
  consequent: RULE_NAME.describe("The tag that is meant"),
  move: FLAG.default(true).describe("Whether images that have the one tag get the other"),
});

/** Body of `POST /api/aliases`. */
export const NEW_ALIAS = z.strictObject({
  antecedent: RULE_NAME,
  consequent: RULE_NAME,
  status: z.enum(["active", "pending"]).default("active")
    .describe("active: it holds at once; pending: it waits to be approved"),
  move: z.boolean().default(true)
    .describe("Whether images that have the one tag get the other; implications go with them"),
});

/** Query of `POST /api/aliases/:antecedent/approve`. */
export const ALIAS_APPROVAL = z.object({ move: FLAG.default(true) });

/** `/api/aliases…`. */
export function buildAliasesRoutes(state: ServerState): Hono {
  const { library } = state;
  const routes = new Hono();
  routes.get(
    "/",
    apiHandler(async (context) => {
      const { q, status, limit, page } = check(ALIAS_LIST, context.req.query());
      const { aliases, total } = await listAliases(library, {
        status,
        matches: q.trim() === "" ? () => true : nameMatcher(q),
        limit,
        offset: (page - 1) * limit,
      });
      const next = page * limit < total ? String(page + 1) : null;
      return { total, aliases: aliases.map(toView), limit, next };
    }),
  );
  routes.get(
    "/preview",
    apiHandler((context) => {
      const { move, ...names } = check(ALIAS_PREVIEW, context.req.query());
      const { known, ...preview } = previewAlias(library, { ...names, movesImages: move });
      return { ...preview, known: known === null ? null : toView(known) };
    }),
  );
  routes.post(
    "/",
    requireJsonBody(),
    apiHandler(async (context) => {
      const { move, ...wanted } = check(NEW_ALIAS, await readJson(context));
      const { alias, task } = await addAlias(library, { ...wanted, movesImages: move });
      context.status(task === null ? 201 : 202);
      return { alias: toView(alias), task };
    }),
  );
  routes.post(
    "/:antecedent/approve",
    apiHandler(async (context) => {
      const { move } = check(ALIAS_APPROVAL, context.req.query());
      const antecedent = context.req.param("antecedent") ?? "";
      const { alias, task } = await approveAlias(library, { antecedent, movesImages: move });
      context.status(task === null ? 200 : 202);
      return { alias: toView(alias), task };
    }),
  );
  routes.delete(
    "/:antecedent",
    apiHandler(async (context) => {
      return { alias: toView(await removeAlias(library, context.req.param("antecedent") ?? "")) };
    }),
  );
  return routes;
}

function toView({ antecedent, consequent, status, createdAtMs }: Alias) {
  return { antecedent, consequent, status, createdAtMs };
}
