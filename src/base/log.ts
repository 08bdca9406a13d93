import { AsyncLocalStorage } from "node:async_hooks";
import { configureSync, getJsonLinesFormatter, getLogger, type LogRecord } from "@logtape/logtape";
import { hideSecrets } from "./secrets.ts";

/** How much a message matters, the least first. */
export type LogLevel = "trace" | "debug" | "info" | "warning" | "error" | "fatal";

/** Takes messages; `{name}` in a message is replaced by the property of that name. */
export type Logger = Record<
  "debug" | "info" | "warn" | "error",
  (message: string, properties?: Record<string, unknown>) => void
>;

/** What is said of everything that is logged while some work is done. */
export type LogContext = { requestId: string };

/** What {@link configureLogging} is told. */
export type LogOptions = {
  level: LogLevel;
  /** Whether standard error is a terminal, and so read by a person. */
  isTerminal: boolean;
  /** Takes every line as JSON besides, with its end; must not throw. */
  file?: (line: string) => void;
};

const LEVELS: readonly LogLevel[] = ["trace", "debug", "info", "warning", "error", "fatal"];

const CONTEXT = new AsyncLocalStorage<LogContext>();
let lowestLevel: LogLevel | null = null;

/**
 * Gives the program's logger, or one of its parts (`log("import")`).
 *
 * Silent until {@link configureLogging} ran, so that an embedder hears nothing it did not ask for.
 */
export function log(part?: string): Logger {
  const logger = getLogger(part === undefined ? ["chibibooru"] : ["chibibooru", part]);
  return {
    debug: (message, properties) => logger.debug(message, inContext(properties)),
    info: (message, properties) => logger.info(message, inContext(properties)),
    warn: (message, properties) => logger.warn(message, inContext(properties)),
    error: (message, properties) => logger.error(message, inContext(properties)),
  };
}

function inContext(properties: Record<string, unknown> = {}): Record<string, unknown> {
  const context = CONTEXT.getStore();
  return context === undefined ? properties : { ...properties, ...context };
}

/** Does `work`; what it logs, then or later, carries the context. Cost: half a microsecond. */
export function withLogContext<T>(context: LogContext, work: () => T): T {
  return CONTEXT.run(context, work);
}

/** Whether messages of a level are written: for callers whose messages cost something to make. */
export function isLogged(level: LogLevel): boolean {
  return lowestLevel !== null && LEVELS.indexOf(level) >= LEVELS.indexOf(lowestLevel);
}

/** Level by name, `undefined` when there is no such level (names of the environment: LOG_LEVEL). */
export function parseLogLevel(text: string): LogLevel | undefined {
  const name = text.toLowerCase() === "warn" ? "warning" : text.toLowerCase();
  return LEVELS.find((level) => level === name);
}

/**
 * Sends the logs of this process to standard error: text on a terminal, one JSON object a line
 * otherwise. Secrets are left out. Called once, by the command that runs.
 */
export function configureLogging(options: LogOptions): void {
  const format = getJsonLinesFormatter();
  // Left to itself it puts every value of a message in quotation marks.
  const json = (record: LogRecord) =>
    format({ ...record, message: [record.message.map(toText).join("")] });
  const encoder = new TextEncoder();
  lowestLevel = options.level;
  configureSync({
    reset: true,
    sinks: {
      stderr: (record: LogRecord) => {
        const line = hideSecrets(options.isTerminal ? toLine(record) : json(record));
        writeFully(encoder.encode(line));
      },
      file: (record: LogRecord) => options.file?.(hideSecrets(json(record))),
    },
    loggers: [
      {
        category: ["chibibooru"],
        sinks: options.file === undefined ? ["stderr"] : ["stderr", "file"],
        lowestLevel: options.level,
      },
      { category: ["logtape", "meta"], sinks: ["stderr"], lowestLevel: "warning" },
    ],
  });
}

/** A pipe may take a part at a time; one that nobody reads any more must not end the program. */
function writeFully(bytes: Uint8Array): void {
  try {
    let written = 0;
    while (written < bytes.length) written += Deno.stderr.writeSync(bytes.subarray(written));
  } catch {
    // There is nowhere left to say so.
  }
}

/** `12:30:01 warning import: message` with what was interpolated, control characters escaped. */
function toLine(record: LogRecord): string {
  const time = new Date(record.timestamp).toISOString().slice(11, 19);
  const part = record.category.slice(1).join(".");
  const text = record.message.map((piece) =>
    piece instanceof Error ? describeFailure(piece) : escapeControls(toText(piece))
  ).join("");
  const level = record.level === "info" ? "" : `${record.level} `;
  const { requestId } = record.properties;
  const request = typeof requestId === "string" ? ` [${escapeControls(requestId)}]` : "";
  return `${time} ${level}${part === "" ? "" : `${part}: `}${text}${request}\n`;
}

function toText(piece: unknown): string {
  return typeof piece === "object" ? Deno.inspect(piece) : `${piece}`;
}

/** Characters that move the cursor, hide text or reverse its direction. */
const CONTROLS = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Makes one line of text safe to print: a file name must not be able to clear the terminal, to hide its
 * ending or to look like a line of the program's own.
 */
export function escapeControls(text: string): string {
  return text.replace(CONTROLS, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/**
 * An error with its stack, safe to print: the lines are those of the stack, since a message may name a file
 * whose name has lines of its own.
 */
export function describeFailure(error: unknown): string {
  let text = Deno.inspect(error, { colors: false });
  const seen = new Set<unknown>();
  for (let one = error; one instanceof Error && !seen.has(one); one = one.cause) {
    seen.add(one);
    const { message } = one;
    if (!message.includes("\n")) continue;
    // Causes are shown further in.
    const shown = message.split("\n").map((line) => RegExp.escape(line)).join("\\n *");
    text = text.replace(new RegExp(shown, "g"), () => escapeControls(message));
  }
  return escapeLines(text);
}

/** A report for programs: JSON over several lines, with what a terminal would obey written as escapes. */
export function toJsonText(value: unknown): string {
  return escapeLines(JSON.stringify(value, null, 2));
}

/** Makes text of several lines safe to print, keeping the lines: for stacks and texts of our own. */
export function escapeLines(text: string): string {
  return text.split("\n").map(escapeControls).join("\n");
}
