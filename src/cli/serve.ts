import type { Surroundings } from "../config.ts";
/** Placeholder while the server is being written. */
export function runServe(_around: Surroundings): Promise<number> {
  return Promise.resolve(0);
}
