import { assertEquals, assertRejects } from "@std/assert";
import { AppError } from "../../src/base/errors.ts";
import { readFileForm } from "../../src/http/multipart.ts";

const TYPE = "multipart/form-data; boundary=----x7";

/** A request whose body comes in pieces of a few bytes. */
function makeRequest(body: string | Uint8Array, pieceBytes: number, type = TYPE): Request {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  let at = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at += pieceBytes));
    },
  });
  return new Request("http://127.0.0.1/", {
    method: "POST",
    headers: { "content-type": type },
    body: stream,
  });
}

function part(head: string, body: string): string {
  return `------x7\r\nContent-Disposition: form-data; ${head}\r\n\r\n${body}\r\n`;
}

Deno.test("readFileForm() gives fields and the bytes of the file, however they come", async () => {
  // Bytes that look like the beginning of a boundary, and a line of the list that ends in one.
  const content = 'a,0,1,\r\nb,0,2,"x\r\n-----x7"\r\r\n------x\r\n';
  const body = part('name="numbering"', "e621") + part('name="empty"', "") +
    part('name="list"; filename="tags %22é%22.csv"\r\nContent-Type: text/csv', content) +
    "------x7--\r\n";
  for (const pieceBytes of [1, 2, 7, 50, 100_000]) {
    const form = await readFileForm(makeRequest(body, pieceBytes));
    assertEquals([form.text("numbering"), form.text("empty"), form.text("other")], [
      "e621",
      "",
      "",
    ]);
    assertEquals(form.fileName, 'tags "é".csv');
    assertEquals(await new Response(form.file).text(), content, `${pieceBytes} bytes at a time`);
  }
});

Deno.test("readFileForm() gives what a browser's own form data says", async () => {
  const bytes = crypto.getRandomValues(new Uint8Array(50_000));
  const form = new FormData();
  form.set("numbering", "auto");
  form.set("list", new File([bytes], "list.csv.gz"));
  const read = await readFileForm(new Request("http://127.0.0.1/", { method: "POST", body: form }));
  assertEquals([read.text("numbering"), read.fileName], ["auto", "list.csv.gz"]);
  assertEquals(new Uint8Array(await new Response(read.file).arrayBuffer()), bytes);
});

Deno.test("readFileForm() refuses what is no form with a file", async () => {
  const file = 'name="list"; filename="a.csv"';
  for (
    const [body, type] of [
      ["a=1", "application/x-www-form-urlencoded"],
      ["a=1", "multipart/form-data"],
      ["", TYPE],
      ["nothing of the kind", TYPE],
      [part('name="numbering"', "auto") + "------x7--\r\n", TYPE],
      [part("filename", "no name"), TYPE],
      [part('name="long"', "x".repeat(70_000)) + part(file, "a") + "------x7--\r\n", TYPE],
      [`preamble${part(file, "a")}------x7--\r\n`, TYPE],
    ]
  ) {
    await assertRejects(() => readFileForm(makeRequest(body, 1_000, type)), AppError);
  }
});

Deno.test("readFileForm() fails a file that is broken off", async () => {
  const form = await readFileForm(makeRequest(part('name="l"; filename="a"', "abc").trimEnd(), 4));
  await assertRejects(() => new Response(form.file).text(), AppError, "not well formed");
});
