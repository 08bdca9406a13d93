/**
 * A signal that is aborted by SIGINT or SIGTERM. A second one ends the process at once, for a person who
 * will not wait. Dispose it to let signals do what they usually do.
 */
export function listenForInterrupts(): { signal: AbortSignal; [Symbol.dispose](): void } {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) Deno.exit(130);
    controller.abort(new DOMException("Interrupted", "AbortError"));
  };
  const signals: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM"];
  for (const name of signals) Deno.addSignalListener(name, onSignal);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const name of signals) Deno.removeSignalListener(name, onSignal);
    },
  };
}
