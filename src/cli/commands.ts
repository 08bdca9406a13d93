import type { Surroundings } from "../config.ts";

/** A command of the program: what help says of it, and what runs it and gives the exit code. */
export type Command = {
  /** Usage and options, as lines of the help text; the first line is the usage. */
  help: string;
  load: () => Promise<(around: Surroundings) => Promise<number>>;
};

/**
 * Every command by its name, in the order of the help text. A command's modules are read only when it
 * runs: what walks a folder need not wait for a web server.
 */
export const COMMANDS: Record<string, Command> = {
  serve: {
    help: `serve [--library DIR] [--port 5000] [--host 127.0.0.1]
Serves the library as web pages and JSON. Makes an empty one if there is none.`,
    load: async () => (await import("./serve.ts")).runServe,
  },
  import: {
    help: `import DIR… [--library DIR] [--copy | --move | --in-place] [--dry-run] [--json]
Adds the pictures and videos below some folders, with the tags of their sidecars.
--copy      copies files into the library; the originals stay (default)
--move      moves them into the library
--in-place  indexes them where they are; nothing is written there
--dry-run   looks at everything and writes nothing
--json      prints the report as JSON`,
    load: async () => (await import("./import.ts")).runImport,
  },
};
