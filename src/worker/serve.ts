import { type Contract, encodeError, move, Moved, type RequestMessage } from "./protocol.ts";

/** One function per method of a contract; may answer at once or later, and may move buffers. */
export type Handlers<C extends Contract> = {
  [M in keyof C & string]: (
    request: C[M]["request"],
  ) =>
    | C[M]["response"]
    | Moved<C[M]["response"]>
    | Promise<C[M]["response"] | Moved<C[M]["response"]>>;
};

/** The part of a worker's global scope that {@link serve} needs. */
type WorkerScope = {
  postMessage(message: unknown, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent<RequestMessage>) => void) | null;
};

/**
 * Answers the calls of a {@link WorkerClient}; the last statement of a worker's entry file.
 *
 * Every error of a handler goes back to its caller: an uncaught one would end the whole process.
 */
export function serve<C extends Contract>(handlers: Handlers<C>): void {
  const scope = globalThis as unknown as WorkerScope;
  scope.onmessage = async ({ data: { id, method, payload } }) => {
    try {
      const handler = Object.hasOwn(handlers, method) ? handlers[method] : undefined;
      if (handler === undefined) throw new TypeError(`Cannot call "${method}": no such method`);
      const answer = await handler(payload);
      const { value, buffers } = answer instanceof Moved ? answer : move(answer, []);
      scope.postMessage({ id, ok: true, payload: value }, [...buffers]);
    } catch (error) {
      scope.postMessage({ id, ok: false, error: encodeError(error) }, []);
    }
  };
  scope.postMessage({ ready: true }, []);
}
