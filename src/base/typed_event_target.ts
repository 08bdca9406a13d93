/** Options of {@link TypedEventTarget.on}. */
export type ListenOptions = { signal?: AbortSignal; once?: boolean };

/**
 * An EventTarget whose event names and payloads are one type `M`.
 *
 * A throwing listener is reported to `onListenerError` and stops nobody: in Deno an unguarded throw in
 * a listener ends the process before the later listeners run. Listeners are called synchronously, in
 * the order of their registration; an AbortSignal is the only way to unsubscribe.
 */
export class TypedEventTarget<M extends Record<string, unknown>> extends EventTarget {
  readonly #onListenerError: (error: unknown, type: string) => void;

  /** Makes a target; `onListenerError` is told what a listener throws. */
  constructor(onListenerError: (error: unknown, type: string) => void) {
    super();
    this.#onListenerError = onListenerError;
  }

  /** Calls `listener` with the payload of every later event of this type. */
  on<K extends keyof M & string>(
    type: K,
    listener: (detail: M[K]) => void,
    options: ListenOptions = {},
  ): void {
    const guarded = (event: Event) => {
      try {
        const result: unknown = listener((event as CustomEvent<M[K]>).detail);
        // An async listener is not awaited, but its failure must not end the process either.
        if (result instanceof Promise) {
          result.catch((error) => this.#onListenerError(error, type));
        }
      } catch (error) {
        this.#onListenerError(error, type);
      }
    };
    super.addEventListener(type, guarded, options);
  }

  /** Tells every listener of this type a fact that is already true. */
  emit<K extends keyof M & string>(type: K, detail: M[K]): void {
    super.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
