/**
 * The least that a server of this runtime can do: answers `/<number>` with that many bytes of the type
 * of the answers it is compared with. Run by the HTTP bench in a process of its own.
 */
const SIZE_MAX = 10_000_000;

const bodies = new Map<string, Uint8Array<ArrayBuffer>>();
const headers = { "content-type": "application/json" };

function bodyOf(size: string): Uint8Array<ArrayBuffer> {
  let body = bodies.get(size);
  if (body === undefined) {
    body = new Uint8Array(Math.min(Number(size), SIZE_MAX)).fill(0x20);
    bodies.set(size, body);
  }
  return body;
}

if (import.meta.main) {
  Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => console.log(`The bare server is at http://127.0.0.1:${port}/`),
  }, ({ url }) => new Response(bodyOf(url.slice(url.lastIndexOf("/") + 1)), { headers }));
}
