import type { ImageSources } from "../../library/switch_source.ts";
import { MERGED_SOURCE } from "../../tags/sources.ts";
import { visibleText } from "./format.ts";

/** What the form sends for a choice that is taken back. */
export const NO_CHOICE = "";

type SourceProps = { id: number; query: string; sources: ImageSources };

/**
 * The form that lets one of the sites that know an image speak for it; nothing where there is no choice.
 * Folded: it replaces tags, and most people never need it.
 */
export function SourceForm({ id, query, sources }: SourceProps) {
  const { names, active, choice } = sources;
  if (names.length < 2 && choice === null) return null;
  const options = [
    [NO_CHOICE, "As for the whole library"],
    ...(names.length > 1 ? [[MERGED_SOURCE, "All of them together"]] : []),
    ...names.map((name) => [name, visibleText(name)]),
  ];
  return (
    <details class="panel">
      <summary>Tags come from {active === null ? "no site" : toText(active)}</summary>
      <form method="post" action={`/posts/${id}/source`}>
        <input type="hidden" name="q" value={query} />
        <p>
          Tags, rating and score become those of the source. What you added or removed yourself
          stays.
        </p>
        <div class="fields">
          <label for="source">Source</label>
          <select id="source" name="source">
            {options.map(([value, text]) => (
              <option value={value} selected={value === (choice ?? NO_CHOICE)}>{text}</option>
            ))}
          </select>
          <button type="submit">Use it</button>
        </div>
      </form>
    </details>
  );
}

function toText(source: string): string {
  return source === MERGED_SOURCE ? "all its sites" : visibleText(source);
}
