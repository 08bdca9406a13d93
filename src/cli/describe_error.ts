import { AppError } from "../base/errors.ts";
import { describeFailure, escapeControls } from "../base/log.ts";

/** What a person reads when a command fails: the thing and the remedy; a stack only for our own bugs. */
export function describeError(error: unknown): string {
  if (error instanceof AppError) {
    const remedy = error.remedy === undefined
      ? ""
      : `\n${escapeControls(toSentence(error.remedy))}`;
    return escapeControls(`chibibooru: ${error.message}`) + remedy;
  }
  return `chibibooru: an unexpected error, please report it\n${describeFailure(error)}`;
}

/** A remedy as a sentence: most are written without a full stop, to stand in others. */
export function toSentence(text: string): string {
  return /[.?!]$/.test(text) ? text : `${text}.`;
}
