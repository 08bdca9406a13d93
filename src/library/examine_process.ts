import { userInfo } from "node:os";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { commandLine, PROGRAM_FORM } from "../base/command_line.ts";
import { broken, type Finding, fine, lookFor, warned } from "./findings.ts";

/** No clock was right that says less: this program did not exist. */
const CLOCK_MS_MIN = Date.UTC(2026, 0, 1);
const CLOCK_MS_MAX = Date.UTC(2100, 0, 1);
/** What a server with a browser's connections, a load and an import has open at once, with room. */
const OPEN_FILES_MIN = 256;

/** Kinds of permissions that a task gives in parts. */
export type ListedKind = "net" | "run" | "env" | "sys" | "ffi";

/** What is allowed only as far as it is listed; without a list it would be all of it. */
const LISTED: Record<ListedKind, string> = {
  net: "all of the network",
  run: "every program",
  env: "the whole environment",
  sys: "all facts of the system",
  ffi: "every native library",
};

/** What a look at the process asks of its surroundings, so that tests can answer. */
export type ProcessFacts = {
  /** Whether all of a kind is allowed to the process. */
  isAllowed: (name: ListedKind) => boolean;
  /** Number and name of the user; null where there is no such thing, or it may not be asked for. */
  user: () => { uid: number; name: string | null } | null;
  now: () => number;
  timeZone: () => string | undefined;
  /** Opens something; throws when there is no room for one more. */
  openFile: () => Disposable;
};

const OWN_FACTS: ProcessFacts = {
  // A compiled file keeps its libraries where nobody knows beforehand.
  isAllowed: (name) =>
    !(name === "ffi" && PROGRAM_FORM === "binary") &&
    Deno.permissions.querySync({ name }).state === "granted",
  user: readUser,
  now: () => Date.now(),
  timeZone: () => Intl.DateTimeFormat().resolvedOptions().timeZone,
  openFile: () => Deno.openSync(new URL(import.meta.url), { read: true }),
};

/** Looks at how this program runs: where from, as whom, with which permissions, clock and limits. Never throws. */
export async function examineProcess(
  changed: Partial<ProcessFacts> = {},
): Promise<Finding[]> {
  const facts = { ...OWN_FACTS, ...changed };
  const found = await Promise.all([
    lookFor("program", "place", examinePlace),
    lookFor("program", "permissions", () => examinePermissions(facts)),
    lookFor("program", "user", () => examineUser(facts)),
    lookFor("machine", "clock", () => examineClock(facts)),
    lookFor("machine", "open files", () => examineOpenFiles(facts)),
  ]);
  return found.flat();
}

function examinePlace(): Finding {
  const name = "place";
  if (PROGRAM_FORM === "binary") return fine("program", name, "one compiled file");
  const main = fileURLToPath(Deno.mainModule);
  if (PROGRAM_FORM === "sources") return fine("program", name, `sources in ${dirname(main)}`);
  // The bundle lies in a folder of its own beside Deno.
  return fine("program", name, `unpacked in ${dirname(dirname(main))}`);
}

function examinePermissions({ isAllowed }: ProcessFacts): Finding {
  const names = Object.keys(LISTED) as ListedKind[];
  const wide = names.filter((name) => isAllowed(name));
  if (wide.length === 0) {
    const text = "files; else only what is listed: no way out to the network";
    return fine("program", "permissions", text);
  }
  const text = wide.length === names.length
    ? "everything is allowed (-A)"
    : `more is allowed than needed: ${wide.map((name) => LISTED[name]).join(", ")}`;
  const remedy = `Start commands as they are meant, with what each needs: ${commandLine("doctor")}`;
  return warned("program", "permissions", { text, remedy });
}

function examineUser({ user }: ProcessFacts): Finding {
  const found = user();
  if (found === null) return fine("program", "user", "the system does not tell");
  const text = describeUser(found);
  if (found.uid !== 0) return fine("program", "user", text);
  return warned("program", "user", {
    text: `${text}, who may do everything`,
    remedy:
      "Let the server run as a user of its own; what is made as root may be closed to that one",
  });
}

/** `name (uid)`, as far as there is a name. */
export function describeUser({ uid, name }: { uid: number; name: string | null }): string {
  return name === null ? `number ${uid}` : `${name} (${uid})`;
}

/** Who runs this program; null where users have no numbers, or it may not be asked for. */
export function readUser(): { uid: number; name: string | null } | null {
  if (Deno.permissions.querySync({ name: "sys", kind: "uid" }).state !== "granted") return null;
  const uid = Deno.uid();
  return uid === null ? null : { uid, name: readUserName() };
}

function readUserName(): string | null {
  try {
    return userInfo().username || null;
  } catch {
    // A container may run as a number that nobody named.
    return null;
  }
}

function examineClock({ now, timeZone }: ProcessFacts): Finding {
  const ms = now();
  const zone = timeZone() ?? "unknown";
  const text = `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC, zone ${zone}`;
  if (ms < CLOCK_MS_MIN || ms > CLOCK_MS_MAX) {
    return broken("machine", "clock", {
      text: `${text}: that cannot be`,
      remedy: "Set the clock: edits, trash and backups are ordered by it",
    });
  }
  if (zone !== "unknown") return fine("machine", "clock", text);
  return warned("machine", "clock", {
    text,
    remedy: "Set the zone of the system, or TZ to a name such as Europe/Berlin; days begin by it",
  });
}

/** The limit itself cannot be asked for without all permissions, so it is tried. */
function examineOpenFiles({ openFile }: ProcessFacts): Finding {
  using opened = new DisposableStack();
  let count = 0;
  try {
    for (; count < OPEN_FILES_MIN; count++) opened.use(openFile());
    return fine("machine", "open files", `${OPEN_FILES_MIN} more can be open at once`);
  } catch {
    return warned("machine", "open files", {
      text: `only ${count} more can be open at once`,
      remedy: `Allow more before the start: ulimit -n 4096, or LimitNOFILE=4096 in a unit`,
    });
  }
}
