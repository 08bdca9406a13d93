import { crypto, type DigestAlgorithm, timingSafeEqual } from "@std/crypto";
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";

const encoder = new TextEncoder();
const ABC = encoder.encode("abc");

/** The digests of "abc", as the standards that define the algorithms give them. */
const ABC_DIGESTS: [DigestAlgorithm, string][] = [
  ["MD5", "900150983cd24fb0d6963f7d28e17f72"],
  ["SHA-1", "a9993e364706816aba3e25717850c26c9cd0d89d"],
  ["SHA-224", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"],
  ["SHA-256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  [
    "SHA-384",
    "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed" +
    "8086072ba1e7cc2358baeca134c825a7",
  ],
  [
    "SHA-512",
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
  ],
];

async function* chunksOf(text: string): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (const letter of text) yield await Promise.resolve(encoder.encode(letter));
}

function hex(buffer: ArrayBuffer): string {
  assertInstanceOf(buffer, ArrayBuffer);
  return new Uint8Array(buffer).toHex();
}

Deno.test("digest() takes buffers, iterables and streams of all algorithms", async () => {
  const { subtle } = crypto;
  for (const [algorithm, expected] of ABC_DIGESTS) {
    assertEquals(hex(await subtle.digest(algorithm, ABC)), expected);
    assertEquals(hex(await subtle.digest(algorithm, ABC.buffer)), expected);
    assertEquals(hex(await subtle.digest(algorithm, [ABC.subarray(0, 1), ABC.slice(1)])), expected);
    assertEquals(hex(await subtle.digest(algorithm, chunksOf("abc"))), expected);
    const stream = ReadableStream.from(chunksOf("abc"));
    assertEquals(hex(await subtle.digest(algorithm, stream)), expected);
  }
});

Deno.test("digestSync() takes buffers and iterables of all algorithms", () => {
  const { subtle } = crypto;
  for (const [algorithm, expected] of ABC_DIGESTS) {
    assertEquals(hex(subtle.digestSync(algorithm, ABC)), expected);
    assertEquals(hex(subtle.digestSync(algorithm, new DataView(ABC.buffer))), expected);
    assertEquals(
      hex(subtle.digestSync(algorithm, [ABC.slice(0, 2), ABC.slice(2).buffer])),
      expected,
    );
  }
});

Deno.test("digest() and digestSync() take an object, a name in any case, and part of a buffer", async () => {
  const { subtle } = crypto;
  const part = encoder.encode("_abc_").subarray(1, 4);
  const md5 = ABC_DIGESTS[0][1];
  assertEquals(hex(subtle.digestSync({ name: "MD5" }, part)), md5);
  assertEquals(hex(subtle.digestSync("md5" as "MD5", part)), md5);
  assertEquals(hex(await subtle.digest("md5" as "MD5", part)), md5);
});

Deno.test("digest() and digestSync() of nothing are those of the empty text", async () => {
  const expected = "d41d8cd98f00b204e9800998ecf8427e";
  assertEquals(hex(crypto.subtle.digestSync("MD5", new Uint8Array())), expected);
  assertEquals(hex(crypto.subtle.digestSync("MD5", [])), expected);
  assertEquals(hex(await crypto.subtle.digest("MD5", chunksOf(""))), expected);
});

Deno.test("digest() and digestSync() return a buffer of exactly the digest", () => {
  assertEquals(crypto.subtle.digestSync("MD5", ABC).byteLength, 16);
  assertEquals(crypto.subtle.digestSync("SHA-512", ABC).byteLength, 64);
});

Deno.test("digest() and digestSync() refuse what is no buffer", async () => {
  const { subtle } = crypto;
  const none = {} as Iterable<BufferSource>;
  const texts = ["abc"] as unknown as Iterable<BufferSource>;
  assertThrows(() => subtle.digestSync("MD5", none), TypeError, "data must be a BufferSource");
  assertThrows(() => subtle.digestSync("MD5", texts), TypeError, "A chunk is not ArrayBuffer");
  await assertRejects(() => subtle.digest("MD5", none), TypeError, "data must be a BufferSource");
  await assertRejects(() => subtle.digest("MD5", texts), TypeError, "A chunk is not ArrayBuffer");
  const asyncTexts = ReadableStream.from(texts);
  await assertRejects(() => subtle.digest("MD5", asyncTexts), TypeError, "A chunk is not");
});

Deno.test("digest() and digestSync() refuse unknown algorithms", async () => {
  const unknown = "MD0" as "MD5";
  assertThrows(() => crypto.subtle.digestSync(unknown, ABC));
  await assertRejects(() => crypto.subtle.digest(unknown, ABC), DOMException);
});

Deno.test("crypto offers what Web Crypto does", async () => {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  assert(bytes.some((byte) => byte !== 0));
  assert(crypto.randomUUID() !== crypto.randomUUID());
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const secret = await crypto.subtle.importKey("raw", bytes, algorithm, false, ["sign", "verify"]);
  const signature = await crypto.subtle.sign("HMAC", secret, ABC);
  assert(await crypto.subtle.verify("HMAC", secret, signature, ABC));
});

Deno.test("timingSafeEqual() compares bytes, whatever holds them", () => {
  const part = encoder.encode("_abc_").subarray(1, 4);
  assert(timingSafeEqual(ABC, part));
  assert(timingSafeEqual(ABC.buffer, new DataView(ABC.buffer)));
  assert(timingSafeEqual(new Uint8Array(), new Uint8Array()));
  assertEquals(timingSafeEqual(ABC, encoder.encode("abd")), false);
  assertThrows(() => timingSafeEqual(ABC, new Uint8Array(2)), TypeError, "Cannot compare buffers");
});
