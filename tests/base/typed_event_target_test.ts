import { assertEquals } from "@std/assert";
import { TypedEventTarget } from "../../src/base/typed_event_target.ts";

type Events = { added: { id: number }; removed: string };

function makeTarget() {
  const errors: [string, string][] = [];
  const target = new TypedEventTarget<Events>((error, type) => errors.push([type, String(error)]));
  return { target, errors };
}

Deno.test("emit() calls the listeners of a type with the payload, in order, at once", () => {
  const { target } = makeTarget();
  const calls: unknown[] = [];
  target.on("added", (detail) => calls.push(["first", detail]));
  target.on("added", (detail) => calls.push(["second", detail]));
  target.on("removed", (detail) => calls.push(["other", detail]));
  const detail = { id: 1 };
  target.emit("added", detail);
  assertEquals(calls, [["first", detail], ["second", detail]]);
  target.emit("removed", "x");
  assertEquals(calls.at(-1), ["other", "x"]);
});

Deno.test("emit() reports a listener that throws and calls the others", () => {
  const { target, errors } = makeTarget();
  const calls: string[] = [];
  target.on("added", () => calls.push("before"));
  target.on("added", () => {
    throw new TypeError("bad");
  });
  target.on("added", () => {
    throw "only text";
  });
  target.on("added", () => calls.push("after"));
  target.emit("added", { id: 1 });
  assertEquals(calls, ["before", "after"]);
  assertEquals(errors, [["added", "TypeError: bad"], ["added", "only text"]]);
});

Deno.test("emit() reports an async listener that rejects", async () => {
  const reported = Promise.withResolvers<unknown>();
  const target = new TypedEventTarget<Events>(reported.resolve);
  // deno-lint-ignore require-await -- a rejecting async function is what is tested
  target.on("removed", async () => {
    throw new RangeError("later");
  });
  target.emit("removed", "x");
  assertEquals(String(await reported.promise), "RangeError: later");
});

Deno.test("on() ends with the abort signal, also in the middle of an event", () => {
  const { target } = makeTarget();
  const controller = new AbortController();
  const calls: string[] = [];
  target.on("removed", (text) => {
    calls.push(`first ${text}`);
    controller.abort();
  });
  target.on("removed", (text) => calls.push(`second ${text}`), { signal: controller.signal });
  target.emit("removed", "a");
  target.emit("removed", "b");
  assertEquals(calls, ["first a", "first b"]);
  target.on("removed", () => calls.push("never"), { signal: AbortSignal.abort() });
  target.emit("removed", "c");
  assertEquals(calls.at(-1), "first c");
});

Deno.test("on() with once is called once, even if it throws", () => {
  const { target, errors } = makeTarget();
  let count = 0;
  target.on("removed", () => {
    count++;
    throw new Error("once");
  }, { once: true });
  target.emit("removed", "a");
  target.emit("removed", "b");
  assertEquals([count, errors.length], [1, 1]);
});

Deno.test("emit() within a listener is finished before the next listener", () => {
  const { target } = makeTarget();
  const calls: string[] = [];
  target.on("added", () => target.emit("removed", "inner"), { once: true });
  target.on("removed", (text) => calls.push(text));
  target.on("added", () => calls.push("outer"));
  target.emit("added", { id: 1 });
  assertEquals(calls, ["inner", "outer"]);
});
