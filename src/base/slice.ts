import { MAIN_SLICE_MS } from "./limits.ts";

/** Keeps a long loop of the main isolate from holding up what else it serves. */
export class Slice {
  #endMs = performance.now() + MAIN_SLICE_MS;

  /** Whether the loop ran so long that it is to {@link yield}. Cost: 50 ns. */
  get isOver(): boolean {
    return performance.now() >= this.#endMs;
  }

  /** Lets others run, and begins anew. */
  async yield(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve));
    this.#endMs = performance.now() + MAIN_SLICE_MS;
  }
}
