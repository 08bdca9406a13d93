import { MAIN_SLICE_MS } from "../base/limits.ts";

/** Texts in UTF-8 one after the other, with their lengths in bytes: moved between isolates, not copied. */
export type PackedTexts = { bytes: Uint8Array<ArrayBuffer>; length: Int32Array<ArrayBuffer> };

/** Texts between two looks at the clock. */
const SLICE_TEXTS = 2_000;

/** Decodes packed texts in slices, so that a hundred thousand do not stall the main isolate. */
export async function decodeTexts({ bytes, length }: PackedTexts): Promise<string[]> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const texts: string[] = [];
  let end = 0;
  let sliceEnd = performance.now() + MAIN_SLICE_MS;
  for (let i = 0; i < length.length; i++) {
    texts.push(decoder.decode(bytes.subarray(end, end += length[i])));
    if (i % SLICE_TEXTS === 0 && performance.now() > sliceEnd) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      sliceEnd = performance.now() + MAIN_SLICE_MS;
    }
  }
  return texts;
}
