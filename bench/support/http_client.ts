/**
 * Asks one server over some kept connections as fast as it answers, and prints what it counted as JSON.
 * Raw sockets and no more parsing than status and length, as `fetch` would cost more than the answer.
 * Run by the HTTP bench in a process of its own, where wrk is not installed.
 */
import type { LoadFigures, LoadRequest } from "./http_load.ts";
import { percentile } from "./statistics.ts";

const HEAD_END = [13, 10, 13, 10];
const decoder = new TextDecoder();

/** One connection, one request after the other. */
class Connection {
  readonly #socket: Deno.TcpConn;
  #buffer = new Uint8Array(1 << 18);

  constructor(socket: Deno.TcpConn) {
    this.#socket = socket;
  }

  /** Sends a request and reads its answer to the end; gives the status and the bytes. */
  async exchange(request: Uint8Array): Promise<{ status: number; bytes: number }> {
    for (let sent = 0; sent < request.length;) {
      sent += await this.#socket.write(request.subarray(sent));
    }
    let end = 0;
    let head = -1;
    let wanted = Infinity;
    let status = 0;
    while (end < wanted) {
      if (end === this.#buffer.length) this.#grow();
      const read = await this.#socket.read(this.#buffer.subarray(end));
      if (read === null) throw new Error("The server closed the connection");
      end += read;
      if (head >= 0) continue;
      head = findHeadEnd(this.#buffer, end);
      if (head < 0) continue;
      const text = decoder.decode(this.#buffer.subarray(0, head));
      const [, length] = /\ncontent-length: (\d+)/i.exec(text) ?? [];
      if (length === undefined) throw new Error(`An answer without a length: ${text}`);
      status = Number(text.slice(9, 12));
      wanted = head + Number(length);
    }
    return { status, bytes: end };
  }

  close(): void {
    this.#socket.close();
  }

  #grow(): void {
    const larger = new Uint8Array(2 * this.#buffer.length);
    larger.set(this.#buffer);
    this.#buffer = larger;
  }
}

function findHeadEnd(buffer: Uint8Array, end: number): number {
  for (let i = 3; i < end; i++) {
    if (HEAD_END.every((byte, j) => buffer[i - 3 + j] === byte)) return i + 1;
  }
  return -1;
}

async function run(
  { port, paths, seconds, connections }: LoadRequest,
): Promise<LoadFigures> {
  const encoder = new TextEncoder();
  const requests = paths.map((path) =>
    encoder.encode(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
  );
  const times: number[] = [];
  let next = 0;
  let errors = 0;
  let bytes = 0;
  const startedAt = performance.now();
  const endAt = startedAt + seconds * 1_000;
  await Promise.all(Array.from({ length: connections }, async () => {
    const connection = new Connection(await Deno.connect({ hostname: "127.0.0.1", port }));
    while (performance.now() < endAt) {
      const sentAt = performance.now();
      const answer = await connection.exchange(requests[next++ % requests.length]);
      times.push(performance.now() - sentAt);
      bytes += answer.bytes;
      if (answer.status !== 200) errors++;
    }
    connection.close();
  }));
  const elapsed = (performance.now() - startedAt) / 1_000;
  return {
    requests: times.length,
    requestsPerSecond: times.length / elapsed,
    megabytesPerSecond: bytes / elapsed / 1e6,
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
    maxMs: percentile(times, 1),
    errors,
  };
}

if (import.meta.main) {
  const request = JSON.parse(await Deno.readTextFile(Deno.args[0])) as LoadRequest;
  console.log(JSON.stringify(await run(request)));
}
