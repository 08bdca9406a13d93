import type { Surroundings } from "../config.ts";
import { VERSION } from "../version.ts";

const HELP = `ChibiBooru ${VERSION}: your tagged pictures and videos, searchable in an instant.

  deno task serve  [--library DIR] [--port 5000] [--host 127.0.0.1]
      Serves the library as web pages and JSON. Makes an empty one if there is none.

  deno task import DIR… [--library DIR] [--copy | --move | --in-place] [--dry-run] [--json]
      Adds the pictures and videos below some folders, with the tags of their sidecars.
      --copy      copies files into the library; the originals stay (default)
      --move      moves them into the library
      --in-place  indexes them where they are; nothing is written there
      --dry-run   looks at everything and writes nothing
      --json      prints the report as JSON

Every command takes --library DIR (default ./library) and --log-level LEVEL.
Environment: CHIBIBOORU_LIBRARY, CHIBIBOORU_HOST, CHIBIBOORU_PORT, LOG_LEVEL, and CHIBIBOORU_API_KEY, the
password of clients of the Danbooru API (any login; without it they need none).
Exit codes: 0 done, 1 some files failed, 2 could not start or go on.
`;

/** Prints how to use the program, or its version. */
export function runHelp(around: Surroundings): Promise<number> {
  console.log(around.args.includes("--version") ? VERSION : HELP.trimEnd());
  return Promise.resolve(0);
}
