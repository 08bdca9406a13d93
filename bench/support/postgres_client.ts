/*
 * As much of PostgreSQL's protocol (version 3) as the bench needs: a connection over a Unix socket
 * without a password, texts, statements compiled beforehand, and several of them in one round trip. A
 * driver would add its own time to the server's.
 */

const PROTOCOL_VERSION = 196_608;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Rows of one statement, as texts. */
export type TextRows = (string | null)[][];

/** A connection to a PostgreSQL server. */
export class PostgresClient {
  readonly #connection: Deno.UnixConn;
  #buffer = new Uint8Array(1 << 16);
  #start = 0;
  #end = 0;

  private constructor(connection: Deno.UnixConn) {
    this.#connection = connection;
  }

  /**
   * Connects as a user of a database.
   *
   * @throws {Error} If the server refuses, with its message.
   */
  static async connect(
    socketPath: string,
    options: { user: string; database: string },
  ): Promise<PostgresClient> {
    const connection = await Deno.connect({ transport: "unix", path: socketPath });
    const client = new PostgresClient(connection);
    const { user, database } = options;
    const body = encoder.encode(`user\0${user}\0database\0${database}\0\0`);
    const message = new Uint8Array(8 + body.length);
    const view = new DataView(message.buffer);
    view.setInt32(0, message.length);
    view.setInt32(4, PROTOCOL_VERSION);
    message.set(body, 8);
    try {
      await client.#write(message);
      await client.#read();
    } catch (error) {
      connection.close();
      throw error;
    }
    return client;
  }

  /** Runs one statement or more and gives the rows of the last. */
  async query(sql: string): Promise<TextRows> {
    await this.#write(frame("Q", `${sql}\0`));
    return (await this.#read()).at(-1) ?? [];
  }

  /** Compiles a statement under a name. Without parameters its plan is made once. */
  async prepare(name: string, sql: string): Promise<void> {
    await this.#write(frame("P", `${name}\0${sql}\0\0\0`), frame("S", ""));
    await this.#read();
  }

  /** Runs compiled statements in one round trip and gives the rows of each. */
  async execute(names: readonly string[]): Promise<TextRows[]> {
    const messages = names.flatMap((name) => [
      frame("B", `\0${name}\0\0\0\0\0\0\0`),
      frame("E", "\0\0\0\0\0"),
    ]);
    await this.#write(...messages, frame("S", ""));
    return await this.#read();
  }

  /** Ends the connection. */
  async close(): Promise<void> {
    await this.#write(frame("X", ""));
    this.#connection.close();
  }

  async #write(...messages: Uint8Array[]): Promise<void> {
    const all = new Uint8Array(messages.reduce((sum, { length }) => sum + length, 0));
    let end = 0;
    for (const message of messages) {
      all.set(message, end);
      end += message.length;
    }
    for (let start = 0; start < all.length;) {
      start += await this.#connection.write(all.subarray(start));
    }
  }

  /** Reads until the server is ready for the next round. */
  async #read(): Promise<TextRows[]> {
    const results: TextRows[] = [];
    let rows: TextRows = [];
    let failure: Error | undefined;
    for (;;) {
      const { type, body } = await this.#readMessage();
      if (type === "D") rows.push(parseRow(body));
      else if (type === "C") {
        results.push(rows);
        rows = [];
      } else if (type === "E") {
        failure = new Error(`PostgreSQL says: ${parseFailure(body)}`);
        // A refused connection is closed, and no end of the round follows.
        if (/FATAL|PANIC/.test(failure.message)) throw failure;
      } else if (type === "Z") {
        if (failure !== undefined) throw failure;
        return results;
      }
    }
  }

  /** The body is valid until the next call. */
  async #readMessage(): Promise<{ type: string; body: Uint8Array }> {
    await this.#fill(5);
    const type = String.fromCharCode(this.#buffer[this.#start]);
    const length = new DataView(this.#buffer.buffer).getInt32(this.#start + 1);
    await this.#fill(1 + length);
    const body = this.#buffer.subarray(this.#start + 5, this.#start + 1 + length);
    this.#start += 1 + length;
    return { type, body };
  }

  async #fill(bytes: number): Promise<void> {
    while (this.#end - this.#start < bytes) {
      if (this.#start > 0) {
        this.#buffer.copyWithin(0, this.#start, this.#end);
        this.#end -= this.#start;
        this.#start = 0;
      }
      if (bytes > this.#buffer.length) {
        const larger = new Uint8Array(2 * bytes);
        larger.set(this.#buffer.subarray(0, this.#end));
        this.#buffer = larger;
      }
      const read = await this.#connection.read(this.#buffer.subarray(this.#end));
      if (read === null) throw new Error("PostgreSQL closed the connection");
      this.#end += read;
    }
  }
}

function frame(type: string, body: string): Uint8Array {
  const bytes = encoder.encode(body);
  const message = new Uint8Array(5 + bytes.length);
  message[0] = type.charCodeAt(0);
  new DataView(message.buffer).setInt32(1, 4 + bytes.length);
  message.set(bytes, 5);
  return message;
}

function parseRow(body: Uint8Array): (string | null)[] {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const row: (string | null)[] = [];
  let at = 2;
  for (let columns = view.getInt16(0); columns > 0; columns--) {
    const length = view.getInt32(at);
    at += 4;
    row.push(length < 0 ? null : decoder.decode(body.subarray(at, at + Math.max(0, length))));
    at += Math.max(0, length);
  }
  return row;
}

/** Fields are a letter and a text each: S = severity, M = message. */
function parseFailure(body: Uint8Array): string {
  const fields = decoder.decode(body).split("\0");
  const field = (letter: string) => fields.find((text) => text.startsWith(letter))?.slice(1) ?? "";
  return `${field("S")}: ${field("M")}`;
}
