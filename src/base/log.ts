import { configureSync, getJsonLinesFormatter, getLogger, type LogRecord } from "@logtape/logtape";

/** How much a message matters, the least first. */
export type LogLevel = "trace" | "debug" | "info" | "warning" | "error" | "fatal";

/** Takes messages; `{name}` in a message is replaced by the property of that name. */
export type Logger = Record<
  "debug" | "info" | "warn" | "error",
  (message: string, properties?: Record<string, unknown>) => void
>;

const LEVELS: readonly LogLevel[] = ["trace", "debug", "info", "warning", "error", "fatal"];

/**
 * Gives the program's logger, or one of its parts (`log("import")`).
 *
 * Silent until {@link configureLogging} ran, so that an embedder hears nothing it did not ask for.
 */
export function log(part?: string): Logger {
  const logger = getLogger(part === undefined ? ["chibibooru"] : ["chibibooru", part]);
  return {
    debug: (message, properties) => logger.debug(message, properties),
    info: (message, properties) => logger.info(message, properties),
    warn: (message, properties) => logger.warn(message, properties),
    error: (message, properties) => logger.error(message, properties),
  };
}

/** Level by name, `undefined` when there is no such level (names of the environment: LOG_LEVEL). */
export function parseLogLevel(text: string): LogLevel | undefined {
  const name = text.toLowerCase() === "warn" ? "warning" : text.toLowerCase();
  return LEVELS.find((level) => level === name);
}

/**
 * Sends the logs of this process to standard error: text on a terminal, one JSON object a line
 * otherwise. Called once, by main.ts.
 */
export function configureLogging(options: { level: LogLevel; isTerminal: boolean }): void {
  const json = getJsonLinesFormatter();
  const encoder = new TextEncoder();
  configureSync({
    reset: true,
    sinks: {
      stderr: (record: LogRecord) => {
        const line = options.isTerminal ? toLine(record) : json(record);
        Deno.stderr.writeSync(encoder.encode(line));
      },
    },
    loggers: [
      { category: ["chibibooru"], sinks: ["stderr"], lowestLevel: options.level },
      { category: ["logtape", "meta"], sinks: ["stderr"], lowestLevel: "warning" },
    ],
  });
}

/** `12:30:01 warning import: message` with what was interpolated, control characters escaped. */
function toLine(record: LogRecord): string {
  const time = new Date(record.timestamp).toISOString().slice(11, 19);
  const part = record.category.slice(1).join(".");
  const text = record.message.map((piece) =>
    piece instanceof Error
      ? escapeLines(Deno.inspect(piece))
      : escapeControls(typeof piece === "object" ? Deno.inspect(piece) : `${piece}`)
  ).join("");
  const level = record.level === "info" ? "" : `${record.level} `;
  return `${time} ${level}${part === "" ? "" : `${part}: `}${text}\n`;
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

/** Makes text of several lines safe to print, keeping the lines: for stacks and texts of our own. */
export function escapeLines(text: string): string {
  return text.split("\n").map(escapeControls).join("\n");
}
