import { join } from "node:path";
import { PostgresClient } from "./postgres_client.ts";

/** A PostgreSQL server of the bench's own, in a folder of its own, behind a Unix socket. */
export type PostgresServer = AsyncDisposable & {
  client: PostgresClient;
  /** A folder that the server can read. */
  folder: string;
};

/** Where Debian puts the programs of a version. */
const INSTALLED = "/usr/lib/postgresql";
const START_TIMEOUT_MS = 30_000;
/** The server stands alone and answers one connection; nothing needs to survive it. */
const SETTINGS = {
  listen_addresses: "",
  unix_socket_permissions: "0777",
  max_connections: "10",
  shared_buffers: "2GB",
  work_mem: "256MB",
  maintenance_work_mem: "1GB",
  effective_cache_size: "8GB",
  random_page_cost: "1.1",
  jit: "off",
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  wal_level: "minimal",
  max_wal_senders: "0",
  max_wal_size: "8GB",
  autovacuum: "off",
};

/** What is missing for a server, in words; null when it can be started. */
export function findPostgresAbsence(): string | null {
  const programs = findPrograms();
  if (programs === null) return `No PostgreSQL in ${INSTALLED} (apt-get install postgresql)`;
  try {
    Deno.statSync(`/usr/share/postgresql/${programs.version}/extension/intarray.control`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return "PostgreSQL's extension intarray is missing (apt-get install postgresql-contrib)";
  }
  if (Deno.uid() === 0 && findUser() === null) {
    return "PostgreSQL refuses to run as root, and there is no user postgres";
  }
  return null;
}

/**
 * Makes a cluster in a new folder and starts a server on it; disposing of it ends the server and removes
 * the folder.
 *
 * @throws {Error} If the server does not start, with what it printed.
 */
export async function startPostgres(): Promise<PostgresServer> {
  const programs = findPrograms()!;
  const user = Deno.uid() === 0 ? findUser()! : null;
  const folder = await Deno.makeTempDir({ prefix: "chibibooru_postgres_" });
  const as = user === null ? {} : { uid: user.uid, gid: user.gid };
  let server: Deno.ChildProcess | undefined;
  let ended: Promise<Deno.CommandStatus> | undefined;
  const stop = async () => {
    // SIGINT is PostgreSQL's fast shutdown: it does not wait for its clients.
    if (server !== undefined && ended !== undefined) {
      try {
        server.kill("SIGINT");
      } catch (error) {
        if (!(error instanceof TypeError)) throw error; // it has ended
      }
      await ended;
    }
    await Deno.remove(folder, { recursive: true });
  };
  try {
    if (user !== null) await Deno.chown(folder, user.uid, user.gid);
    const data = join(folder, "data");
    const made = await new Deno.Command(join(programs.folder, "initdb"), {
      args: ["-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
      cwd: folder,
      ...as,
    }).output();
    if (!made.success) throw new Error(`initdb: ${new TextDecoder().decode(made.stderr)}`);
    const settings = { ...SETTINGS, unix_socket_directories: folder };
    server = new Deno.Command(join(programs.folder, "postgres"), {
      args: [
        "-D",
        data,
        ...Object.entries(settings).flatMap(([name, v]) => ["-c", `${name}=${v}`]),
      ],
      cwd: folder,
      stdin: "null",
      stdout: "null",
      stderr: "null",
      ...as,
    }).spawn();
    let hasEnded = false;
    ended = server.status.finally(() => hasEnded = true);
    const client = await connect(folder, () => hasEnded);
    return {
      client,
      folder,
      [Symbol.asyncDispose]: async () => {
        await client.close();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Connects as soon as the server listens. */
async function connect(folder: string, hasEnded: () => boolean): Promise<PostgresClient> {
  const latest = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      return await PostgresClient.connect(join(folder, ".s.PGSQL.5432"), {
        user: "bench",
        database: "postgres",
      });
    } catch (error) {
      if (hasEnded() || performance.now() > latest) {
        throw new Error("The PostgreSQL server did not start", { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

function findPrograms(): { folder: string; version: string } | null {
  try {
    const versions = [...Deno.readDirSync(INSTALLED)].map(({ name }) => name)
      .sort((a, b) => Number(b) - Number(a));
    for (const version of versions) {
      const folder = join(INSTALLED, version, "bin");
      try {
        Deno.statSync(join(folder, "initdb"));
        return { folder, version };
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
    return null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** The user that Debian makes for PostgreSQL. */
function findUser(): { uid: number; gid: number } | null {
  const line = Deno.readTextFileSync("/etc/passwd").split("\n")
    .find((text) => text.startsWith("postgres:"));
  if (line === undefined) return null;
  const [, , uid, gid] = line.split(":");
  return { uid: Number(uid), gid: Number(gid) };
}
