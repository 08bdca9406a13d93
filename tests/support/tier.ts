/** Whether the full tier runs: many more random cases, and what needs a browser or much time. */
export const isFullTier: boolean = Deno.env.get("CHIBIBOORU_TEST_TIER") === "full";

/** Random cases of a property: `fast` by default, 1,000 (or `full`) in the full tier. */
export function runs(fast: number, full = 1_000): number {
  return isFullTier ? full : fast;
}

/**
 * A test of seconds: it runs in the full tier, since the fast one is to take no more than two minutes on two
 * cores.
 */
export function fullTierTest(name: string, test: () => void | Promise<void>): void {
  if (isFullTier) Deno.test(name, test);
}
