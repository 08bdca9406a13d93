import type { Context } from "hono";
import { AppError } from "../base/errors.ts";
import type { Library } from "../library/library.ts";
import { TAG_RULES_TASK } from "../library/tag_rules.ts";
import type { FlashMessages } from "./flash.ts";
import type { PageMessage } from "./pages/message.tsx";
import type { RunningRules } from "./pages/rule_parts.tsx";
import { readForm } from "./params.ts";
import { STATUS } from "./responses.ts";

/*
 * What the pages of aliases and of implications do alike: a list of rules, a draft that is looked at before
 * anything is done, and forms whose answer is the page again.
 */

/** Rules on one page. */
export const RULES_SHOWN = 100;

/** What a page of rules shows besides its list: the two names of a drafted rule, by their fields. */
export type RuleShown<Field extends string> = {
  message: PageMessage | null;
  draft: Record<Field, string>;
};

type Fields = (field: string) => string;

/** What the form of a draft asks for; `pending`: the rule is only proposed. */
type RuleForm<Field extends string> = {
  draft: Record<Field, string>;
  status: "active" | "pending";
  text: Fields;
};

/** What of a page of rules is its own. */
export type RulePage<Field extends string> = {
  path: string;
  /** The fields of both names. */
  fields: readonly [Field, Field];
  flashes: FlashMessages;
  show: (context: Context, shown: RuleShown<Field>) => Promise<Response>;
};

/** Answers for the forms of one page of rules. */
export class RuleForms<Field extends string> {
  readonly #page: RulePage<Field>;

  /** Makes the answers of a page. */
  constructor(page: RulePage<Field>) {
    this.#page = page;
  }

  /** Shows the page with what its address says. */
  open(context: Context): Promise<Response> {
    const message = this.#page.flashes.take(context.req.query("done"));
    return this.#show(context, message, (field) => context.req.query(field) ?? "");
  }

  /** Does what the form of a draft asks, and keeps the draft where that is refused. */
  async draft(
    context: Context,
    work: (form: RuleForm<Field>) => Promise<string>,
  ): Promise<Response> {
    const text = await readForm(context);
    const status = text("status") === "pending" ? "pending" : "active";
    const form = { draft: this.#toDraft(text), status, text } as const;
    return await this.#orSay(context, () => work(form), text);
  }

  /** Does what a button of a rule asks. */
  button(context: Context, work: () => Promise<string>): Promise<Response> {
    return this.#orSay(context, work, () => "");
  }

  /** Does it and says on the page what was done; what is refused is said there too. */
  async #orSay(
    context: Context,
    work: () => Promise<string>,
    text: Fields,
  ): Promise<Response> {
    try {
      const key = this.#page.flashes.put({ kind: "done", text: await work() });
      return context.redirect(`${this.#page.path}?done=${key}`, 303);
    } catch (error) {
      if (!(error instanceof AppError) || error.code === "not_found") throw error;
      context.status(STATUS[error.code]);
      return await this.#show(context, toErrorMessage(error), text);
    }
  }

  #show(
    context: Context,
    message: PageMessage | null,
    text: Fields,
  ): Promise<Response> {
    return this.#page.show(context, { message, draft: this.#toDraft(text) });
  }

  #toDraft(text: Fields): Record<Field, string> {
    const entries = this.#page.fields.map((field) => [field, text(field)] as const);
    return Object.fromEntries(entries) as Record<Field, string>;
  }
}

/** What a drafted rule would do; nothing for half a draft, or while something else was refused. */
export async function lookAtDraft<Field extends string, Preview>(
  { message, draft }: RuleShown<Field>,
  preview: () => Preview | Promise<Preview>,
): Promise<{ preview: Preview | null; message: PageMessage | null }> {
  const isHalf = Object.values<string>(draft).some((name) => name.trim() === "");
  if (isHalf || message?.kind === "error") return { preview: null, message };
  try {
    return { preview: await preview(), message };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { preview: null, message: toErrorMessage(error) };
  }
}

function toErrorMessage(error: AppError): PageMessage {
  return { kind: "error", text: error.message, remedy: error.remedy ?? null };
}

/** Name and page that a list of rules is asked for. */
export function readRuleList(context: Context): { q: string; page: number; offset: number } {
  const { q = "", page = "1" } = context.req.query();
  const number = /^[1-9]\d{0,8}$/.test(page) ? Number(page) : 1;
  return { q, page: number, offset: (number - 1) * RULES_SHOWN };
}

/** How far the task is that brings rules to posts; null when none runs. */
export function toRunning({ tasks }: Library): RunningRules | null {
  const task = tasks.active(TAG_RULES_TASK);
  if (task === undefined) return null;
  const { done, total, message } = task.progress ?? { done: 0, total: 0, message: "" };
  return { done, total: total ?? done, message };
}
