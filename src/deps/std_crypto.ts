/** The part of `@std/crypto` 1.x that this project uses, over the `node:crypto` that is built into Deno. */
import { createHash, timingSafeEqual as nodeTimingSafeEqual } from "node:crypto";

/** The name of a digest algorithm; case has no weight. */
export type DigestAlgorithmName = "MD5" | "SHA-1" | "SHA-224" | "SHA-256" | "SHA-384" | "SHA-512";

/** A digest algorithm as an object. */
export type DigestAlgorithmObject = { name: DigestAlgorithmName };

/** A digest algorithm, by name or as an object. */
export type DigestAlgorithm = DigestAlgorithmName | DigestAlgorithmObject;

/** `SubtleCrypto` with more algorithms, and with streams. */
export interface StdSubtleCrypto extends SubtleCrypto {
  /**
   * Returns the digest of a buffer, or of all chunks in order.
   *
   * @throws {TypeError} If the data or a chunk is no buffer.
   * @throws {DOMException} Named NotSupportedError, if the algorithm is unknown.
   */
  digest(
    algorithm: DigestAlgorithm,
    data: BufferSource | AsyncIterable<BufferSource> | Iterable<BufferSource>,
  ): Promise<ArrayBuffer>;

  /**
   * Returns the digest of a buffer, or of all chunks in order, at once.
   *
   * @throws {TypeError} If the data or a chunk is no buffer, or the algorithm is unknown.
   */
  digestSync(
    algorithm: DigestAlgorithm,
    data: BufferSource | Iterable<BufferSource>,
  ): ArrayBuffer;
}

/** `Crypto` with a {@link StdSubtleCrypto}. */
export interface StdCrypto extends Crypto {
  /** The digests, and what the runtime offers. */
  readonly subtle: StdSubtleCrypto;
}

/** The names of `node:crypto` for the algorithms. */
const NODE_NAMES: ReadonlyMap<string, string> = new Map<DigestAlgorithmName, string>([
  ["MD5", "md5"],
  ["SHA-1", "sha1"],
  ["SHA-224", "sha224"],
  ["SHA-256", "sha256"],
  ["SHA-384", "sha384"],
  ["SHA-512", "sha512"],
]);
const WEB_NAMES: ReadonlySet<string> = new Set(["SHA-1", "SHA-256", "SHA-384", "SHA-512"]);
const NO_BUFFER_CHUNK = "Cannot digest the data: A chunk is not ArrayBuffer nor ArrayBufferView";

const web: Crypto = globalThis.crypto;

/** Web Crypto, with digests of more algorithms and of streams. */
export const crypto: StdCrypto = {
  getRandomValues: web.getRandomValues.bind(web),
  randomUUID: web.randomUUID.bind(web),
  subtle: {
    decrypt: web.subtle.decrypt.bind(web.subtle),
    deriveBits: web.subtle.deriveBits.bind(web.subtle),
    deriveKey: web.subtle.deriveKey.bind(web.subtle),
    digest,
    digestSync,
    encrypt: web.subtle.encrypt.bind(web.subtle),
    exportKey: web.subtle.exportKey.bind(web.subtle),
    generateKey: web.subtle.generateKey.bind(web.subtle),
    importKey: web.subtle.importKey.bind(web.subtle),
    sign: web.subtle.sign.bind(web.subtle),
    unwrapKey: web.subtle.unwrapKey.bind(web.subtle),
    verify: web.subtle.verify.bind(web.subtle),
    wrapKey: web.subtle.wrapKey.bind(web.subtle),
  },
};

/**
 * Returns whether both buffers hold the same bytes, in a time that does not depend on them.
 *
 * @throws {TypeError} If the buffers differ in length.
 */
export function timingSafeEqual(
  a: ArrayBufferView | ArrayBufferLike,
  b: ArrayBufferView | ArrayBufferLike,
): boolean {
  if (a.byteLength !== b.byteLength) {
    throw new TypeError(
      `Cannot compare buffers of different byte lengths (${a.byteLength} vs ${b.byteLength})`,
    );
  }
  return nodeTimingSafeEqual(toBytes(a), toBytes(b));
}

async function digest(
  algorithm: DigestAlgorithm,
  data: BufferSource | AsyncIterable<BufferSource> | Iterable<BufferSource>,
): Promise<ArrayBuffer> {
  const name = toName(algorithm);
  const isKnown = NODE_NAMES.has(name);
  if (!isKnown || (WEB_NAMES.has(name) && isBuffer(data))) {
    return await web.subtle.digest(name, data as BufferSource);
  }
  if (isBuffer(data) || Symbol.iterator in data) return digestSync(algorithm, data);
  if (!(Symbol.asyncIterator in data)) {
    throw new TypeError("data must be a BufferSource or [Async]Iterable<BufferSource>");
  }
  const hash = createHash(NODE_NAMES.get(name)!);
  for await (const chunk of data) hash.update(toChunk(chunk));
  return toArrayBuffer(hash.digest());
}

function digestSync(
  algorithm: DigestAlgorithm,
  data: BufferSource | Iterable<BufferSource>,
): ArrayBuffer {
  const name = NODE_NAMES.get(toName(algorithm));
  if (name === undefined) throw new TypeError("Cannot digest the data: unsupported algorithm");
  const hash = createHash(name);
  if (isBuffer(data)) {
    hash.update(toBytes(data));
  } else if (Symbol.iterator in data) {
    for (const chunk of data) hash.update(toChunk(chunk));
  } else {
    throw new TypeError("data must be a BufferSource or Iterable<BufferSource>");
  }
  return toArrayBuffer(hash.digest());
}

function toName(algorithm: DigestAlgorithm): string {
  return (typeof algorithm === "string" ? algorithm : algorithm.name).toUpperCase();
}

function isBuffer(value: unknown): value is BufferSource {
  return value instanceof ArrayBuffer || ArrayBuffer.isView(value);
}

function toChunk(chunk: unknown): Uint8Array {
  if (!isBuffer(chunk)) throw new TypeError(NO_BUFFER_CHUNK);
  return toBytes(chunk);
}

function toBytes(value: ArrayBufferView | ArrayBufferLike): Uint8Array {
  return ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
}

/** Copies the bytes to a buffer of their own: that of a digest may be a larger, shared one. */
function toArrayBuffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
