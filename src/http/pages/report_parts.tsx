import type { Child } from "hono/jsx";
import { formatCount, visibleText } from "./format.ts";

/** Entries of a list that are shown one by one. */
const LISTED_MAX = 100;

/** The panel that says what a task did. */
export function Result({ children }: { children?: Child }) {
  return (
    <section class="panel" aria-labelledby="result">
      <h2 id="result">Result</h2>
      {children}
    </section>
  );
}

/** A list that opens; of a long one the beginning. Nothing when there is nothing. */
export function Lines(
  { title, count, lines }: { title: string; count: number; lines: readonly string[] },
) {
  if (count === 0) return null;
  const shown = lines.slice(0, LISTED_MAX);
  return (
    <details>
      <summary>{title}</summary>
      <ul class="plain">
        {shown.map((line, i) => <li key={i}>{visibleText(line)}</li>)}
        {count > shown.length
          ? <li class="soft">and {formatCount(count - shown.length)} more</li>
          : null}
      </ul>
    </details>
  );
}
