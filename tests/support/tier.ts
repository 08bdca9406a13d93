/** Whether the full tier runs: many more random cases, and what needs a browser or much time. */
export const isFullTier: boolean = Deno.env.get("CHIBIBOORU_TEST_TIER") === "full";

/** Random cases of a property: `fast` by default, 1,000 (or `full`) in the full tier. */
export function runs(fast: number, full = 1_000): number {
  return isFullTier ? full : fast;
}
