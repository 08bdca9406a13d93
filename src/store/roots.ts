import type { Database } from "./database.ts";

/** A folder that is indexed in place. */
export type LibraryRoot = { name: string; path: string };

/** Every folder that is indexed in place. */
export function readRoots(db: Database): LibraryRoot[] {
  const exists = db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'library_roots'").value();
  if (exists === undefined) return [];
  return db.prepare("SELECT name, path FROM library_roots ORDER BY name").values<[string, string]>()
    .map(([name, path]) => ({ name, path }));
}

/** Remembers a folder under a name that no other has: the wanted one, else with a number. */
export function ensureRoot(db: Database, root: LibraryRoot): LibraryRoot {
  const known = readRoots(db);
  const same = known.find(({ path }) => path === root.path);
  if (same !== undefined) return same;
  const names = new Set(known.map(({ name }) => name));
  let name = root.name;
  for (let i = 2; names.has(name); i++) name = `${root.name}-${i}`;
  db.exec(
    "INSERT INTO library_roots (name, path, mode) VALUES (?, ?, 'in_place')",
    name,
    root.path,
  );
  return { name, path: root.path };
}
