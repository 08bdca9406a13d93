/** How long the main isolate was kept from its timers, over the last samples. */
export type StallFigures = { p99Ms: number; maxMs: number };

const INTERVAL_MS = 10;
const SAMPLES_KEPT = 6_000;

/**
 * Measures stalls of this isolate: how much later than asked a timer fires. Cost: one timer each 10 ms.
 * Dispose it to stop.
 */
export class StallMeter {
  readonly #lateMs = new Float32Array(SAMPLES_KEPT);
  readonly #timer: ReturnType<typeof setInterval>;
  #count = 0;
  #last = performance.now();

  /** Starts to measure. */
  constructor() {
    this.#timer = setInterval(() => {
      const now = performance.now();
      this.#lateMs[this.#count++ % SAMPLES_KEPT] = Math.max(0, now - this.#last - INTERVAL_MS);
      this.#last = now;
    }, INTERVAL_MS);
    this.#timer.unref();
  }

  /** Figures over the last minute. Cost: sorting 6,000 numbers. */
  get figures(): StallFigures {
    const samples = this.#lateMs.slice(0, Math.min(this.#count, SAMPLES_KEPT)).sort();
    if (samples.length === 0) return { p99Ms: 0, maxMs: 0 };
    return {
      p99Ms: samples[Math.floor(0.99 * (samples.length - 1))],
      maxMs: samples[samples.length - 1],
    };
  }

  /** Stops to measure. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
