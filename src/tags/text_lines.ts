/** A line of a text, without what ends it, numbered from 1; or why it cannot be read. */
export type TextLine = { number: number; text: string } | { number: number; fault: string };

const LINE_FEED = 0x0a;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Splits bytes that come in pieces into lines of UTF-8, some at a time; a byte order mark goes. A line that
 * is no UTF-8 or longer than `lineBytesMax` is a fault of its own, and never kept in memory as a whole.
 */
export async function* readTextLines(
  pieces: AsyncIterable<Uint8Array>,
  lineBytesMax: number,
): AsyncGenerator<TextLine[]> {
  let rest: Uint8Array = new Uint8Array(0);
  let isOverlong = false;
  let lineCount = 0;
  const take = (bytes: Uint8Array): TextLine[] => {
    const lines: TextLine[] = [];
    let from = 0;
    if (isOverlong) {
      const end = bytes.indexOf(LINE_FEED);
      from = end < 0 ? bytes.length + 1 : end + 1;
      isOverlong = false;
      lines.push({ number: ++lineCount, fault: `it is longer than ${lineBytesMax} bytes` });
    }
    const end = bytes.at(-1) === LINE_FEED ? bytes.length - 1 : bytes.length;
    if (from > end) return lines;
    for (const line of splitLines(bytes.subarray(from, end), lineCount, lineBytesMax)) {
      lines.push(line);
      lineCount = line.number;
    }
    return lines;
  };
  for await (const piece of pieces) {
    const bytes = rest.length === 0 ? piece : concat(rest, piece);
    const end = bytes.lastIndexOf(LINE_FEED) + 1;
    rest = bytes.subarray(end);
    if (end > 0) yield take(bytes.subarray(0, end));
    if (isOverlong || rest.length > lineBytesMax) {
      isOverlong = true;
      rest = new Uint8Array(0);
    }
  }
  if (rest.length > 0 || isOverlong) yield take(rest);
}

function concat(left: Uint8Array, right: Uint8Array): Uint8Array {
  const both = new Uint8Array(left.length + right.length);
  both.set(left);
  both.set(right, left.length);
  return both;
}

/** Lines of some bytes; all at once where all of them can be read, which is the rule. */
function splitLines(bytes: Uint8Array, lineCount: number, lineBytesMax: number): TextLine[] {
  const text = decode(bytes);
  if (text !== undefined) {
    return text.split("\n").map((line, i) => {
      const number = lineCount + i + 1;
      // A UTF-16 unit is at most three bytes.
      if (line.length * 3 > lineBytesMax && new TextEncoder().encode(line).length > lineBytesMax) {
        return { number, fault: `it is longer than ${lineBytesMax} bytes` };
      }
      return { number, text: trimEnds(line, number) };
    });
  }
  const lines: TextLine[] = [];
  for (let start = 0; start <= bytes.length;) {
    const feed = bytes.indexOf(LINE_FEED, start);
    const end = feed < 0 ? bytes.length : feed;
    const line = decode(bytes.subarray(start, end));
    const number = lineCount + lines.length + 1;
    lines.push(
      line === undefined
        ? { number, fault: "it is not UTF-8" }
        : { number, text: trimEnds(line, number) },
    );
    start = end + 1;
  }
  return lines;
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function trimEnds(line: string, number: number): string {
  const text = line.endsWith("\r") ? line.slice(0, -1) : line;
  return number === 1 && text.startsWith("\ufeff") ? text.slice(1) : text;
}
