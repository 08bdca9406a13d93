/*
 * Triggers that fill the change log, as SQL text. Released migrations are made of these: what they make of
 * the same arguments must not change.
 */

/** What an entry of the change log is about; the aliases are one subject, with the id 0. */
export type ChangeSubject = "image" | "tag" | "pool" | "aliases";

/**
 * Statement list that logs a change. DELETE and INSERT instead of REPLACE: inside a trigger the
 * conflict clause of the outer statement (INSERT OR IGNORE …) would overrule it.
 */
function logged(subject: ChangeSubject, id: string): string {
  return `
  DELETE FROM change_log WHERE subject = '${subject}' AND subject_id = ${id};
  INSERT INTO change_log (subject, subject_id) SELECT '${subject}', ${id} WHERE ${id} IS NOT NULL;`;
}

function trigger(name: string, event: string, on: { table: string; body: string }): string {
  return `\nCREATE TRIGGER ${name} ${event} ON ${on.table} BEGIN${on.body}\nEND;`;
}

/** Triggers that log the subject that a column names, before and after every change of its row. */
export function onAll(
  table: string,
  subject: ChangeSubject,
  { column, label = table }: { column: string; label?: string },
): string {
  const isMoved = `
  DELETE FROM change_log WHERE subject = '${subject}' AND subject_id = old.${column}
    AND old.${column} IS NOT new.${column};
  INSERT INTO change_log (subject, subject_id)
    SELECT '${subject}', old.${column}
    WHERE old.${column} IS NOT new.${column} AND old.${column} NOT NULL;`;
  const bodies: [event: string, body: string][] = [
    ["INSERT", logged(subject, `new.${column}`)],
    ["UPDATE", isMoved + logged(subject, `new.${column}`)],
    ["DELETE", logged(subject, `old.${column}`)],
  ];
  return bodies.map(([event, body]) =>
    trigger(`change_log_${label}_${event.toLowerCase()}`, `AFTER ${event}`, { table, body })
  ).join("");
}

/** Triggers that log one subject at every change of a table. */
export function onAny(table: string, subject: ChangeSubject, id: number): string {
  return ["INSERT", "UPDATE", "DELETE"].map((event) => {
    const body = logged(subject, `${id}`);
    return trigger(`change_log_${table}_${event.toLowerCase()}`, `AFTER ${event}`, { table, body });
  }).join("");
}

/**
 * Logs the rows that REPLACE is about to remove: their removal fires no trigger of its own. `selected`
 * are the columns of such a row that name its subjects.
 */
export function onReplace(
  table: string,
  subject: ChangeSubject,
  { uniqueColumns, selected = ["id"] }: { uniqueColumns: string[]; selected?: string[] },
): string {
  const isSame = uniqueColumns.map((name) => `${name} = new.${name}`).join(" OR ");
  const ids = selected.map((column) => `SELECT ${column} FROM ${table} WHERE ${isSame}`);
  const body = logAll(subject, ids.join(" UNION "));
  return ["INSERT", `UPDATE OF ${uniqueColumns.join(", ")}`].map((event) => {
    const name = `change_log_${table}_replace_${event.split(" ")[0].toLowerCase()}`;
    return trigger(name, `BEFORE ${event}`, { table, body });
  }).join("");
}

/** Statement list that logs every id of a selection, which has each once. */
export function logAll(subject: ChangeSubject, ids: string): string {
  return `
  DELETE FROM change_log WHERE subject = '${subject}' AND subject_id IN (${ids});
  INSERT INTO change_log (subject, subject_id) SELECT '${subject}', * FROM (${ids});`;
}
