import { AppError } from "../base/errors.ts";
import { describeFailure, escapeControls } from "../base/log.ts";

/** What a person reads when a command fails: the thing and the remedy; a stack only for our own bugs. */
export function describeError(error: unknown): string {
  if (error instanceof AppError) {
    const stop = /[.?!]$/.test(error.remedy ?? "") ? "" : ".";
    const remedy = error.remedy === undefined ? "" : `\n${escapeControls(error.remedy)}${stop}`;
    return escapeControls(`chibibooru: ${error.message}`) + remedy;
  }
  return `chibibooru: an unexpected error, please report it\n${describeFailure(error)}`;
}
