import { type Database, execute, prepared } from "./database.ts";

const BLACKLIST = "blacklisted_tags";

/** Tags that the owner's clients are to hide, one line each; "" when there are none. */
export function readBlacklist(db: Database): string {
  return prepared(db, "SELECT value FROM library_state WHERE key = ?").value<[string]>(BLACKLIST)
    ?.[0] ?? "";
}

/** Keeps the tags that the owner's clients are to hide. */
export function writeBlacklist(db: Database, lines: string): void {
  execute(
    db,
    `INSERT INTO library_state (key, value) VALUES (?, ?)
     ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
    BLACKLIST,
    lines,
  );
}
