import { type Database, execute, prepared, toNumber } from "./database.ts";

/** A task as the database keeps it. */
export type TaskRecord = {
  id: string;
  kind: string;
  state: string;
  startedAtMs: number;
  /** Null while it runs. */
  endedAtMs: number | null;
  /** Everything else, as JSON. */
  detail: string;
};

type TaskRow = [string, string, string, number, number | null, string];

/** Writes a task as it is now, and forgets the oldest that ended beyond `keptMax`. */
export function saveTask(db: Database, record: TaskRecord, keptMax: number): void {
  const { id, kind, state, startedAtMs, endedAtMs, detail } = record;
  execute(
    db,
    `INSERT INTO tasks (id, kind, state, started_at_ms, ended_at_ms, detail)
     VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET state = excluded.state, ended_at_ms = excluded.ended_at_ms,
       detail = excluded.detail`,
    id,
    kind,
    state,
    startedAtMs,
    endedAtMs,
    detail,
  );
  execute(
    db,
    `DELETE FROM tasks WHERE ended_at_ms IS NOT NULL AND id NOT IN
       (SELECT id FROM tasks ORDER BY started_at_ms DESC, rowid DESC LIMIT ?)`,
    keptMax,
  );
}

/** Gives all tasks that never ended the state of those that were cut off, as of `endedAtMs`. */
export function interruptTasks(db: Database, endedAtMs: number): void {
  execute(
    db,
    "UPDATE tasks SET state = 'interrupted', ended_at_ms = ? WHERE ended_at_ms IS NULL",
    endedAtMs,
  );
}

/** The newest tasks, the oldest of them first. */
export function readTasks(db: Database, limit: number): TaskRecord[] {
  const rows = prepared(
    db,
    `SELECT id, kind, state, started_at_ms, ended_at_ms, detail FROM tasks
     ORDER BY started_at_ms DESC, rowid DESC LIMIT ?`,
  ).values<TaskRow>(limit);
  return rows.reverse().map(([id, kind, state, startedAtMs, endedAtMs, detail]) => ({
    id,
    kind,
    state,
    startedAtMs: toNumber(startedAtMs),
    endedAtMs: endedAtMs === null ? null : toNumber(endedAtMs),
    detail,
  }));
}

/** Whether any task never ended. */
export function hasOpenTasks(db: Database): boolean {
  return prepared(db, "SELECT 1 FROM tasks WHERE ended_at_ms IS NULL LIMIT 1").value() !==
    undefined;
}
