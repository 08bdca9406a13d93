import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  describeUser,
  examineProcess,
  type ProcessFacts,
} from "../../src/library/examine_process.ts";
import type { Finding } from "../../src/library/findings.ts";

/** A process as it should be. */
const WELL: ProcessFacts = {
  isAllowed: () => false,
  user: () => ({ uid: 1000, name: "me" }),
  now: () => Date.UTC(2027, 4, 6, 7, 8),
  timeZone: () => "Europe/Berlin",
  openFile: () => ({ [Symbol.dispose]: () => {} }),
};

async function look(changed: Partial<ProcessFacts> = {}): Promise<Record<string, Finding>> {
  const found = await examineProcess({ ...WELL, ...changed });
  return Object.fromEntries(found.map((finding) => [finding.name, finding]));
}

Deno.test("examineProcess() finds nothing wrong with a process that is as it should be", async () => {
  const found = await look();
  assertEquals(Object.keys(found), ["place", "permissions", "user", "clock", "open files"]);
  for (const { name, verdict, remedy } of Object.values(found)) {
    assertEquals([verdict, remedy], ["ok", null], name);
  }
  assert(found.place.text.startsWith("sources in "), found.place.text);
  assertEquals(found.user.text, "me (1000)");
  assertEquals(found.clock.text, "2027-05-06 07:08 UTC, zone Europe/Berlin");
});

Deno.test("examineProcess() looks at the process itself when nothing is said of it", async () => {
  const found = await examineProcess();
  assertEquals(found.length, 5);
  const permissions = found.find(({ name }) => name === "permissions")!;
  // Tests run with everything allowed.
  assertEquals([permissions.verdict, permissions.text], ["warning", "everything is allowed (-A)"]);
  assert(permissions.remedy!.includes("doctor"));
});

Deno.test("examineProcess() names permissions that are wider than needed", async () => {
  const { permissions } = await look({ isAllowed: (name) => name === "net" || name === "run" });
  assertEquals(permissions.verdict, "warning");
  assertEquals(
    permissions.text,
    "more is allowed than needed: all of the network, every program",
  );
  const all = await look({ isAllowed: () => true });
  assertStringIncludes(all.permissions.text, "-A");
});

Deno.test("examineProcess() warns of root, and takes users without a name or number", async () => {
  const asUser = async (user: ReturnType<ProcessFacts["user"]>) =>
    (await look({ user: () => user })).user;
  const root = await asUser({ uid: 0, name: "root" });
  assertEquals([root.verdict, root.text], ["warning", "root (0), who may do everything"]);
  assertStringIncludes(root.remedy!, "user of its own");
  assertEquals((await asUser({ uid: 995, name: null })).text, "number 995");
  assertEquals((await asUser(null)).verdict, "ok");
  assertEquals(describeUser({ uid: 5, name: "games" }), "games (5)");
});

Deno.test("examineProcess() tells a clock that cannot be right, and a zone that nobody set", async () => {
  for (const now of [0, Date.UTC(2025, 0, 1), Date.UTC(2106, 1, 7)]) {
    const { clock } = await look({ now: () => now });
    assertEquals(clock.verdict, "problem", clock.text);
    assertStringIncludes(clock.remedy!, "clock");
  }
  const { clock } = await look({ timeZone: () => undefined });
  assertEquals([clock.verdict, clock.text.endsWith("zone unknown")], ["warning", true]);
  assertStringIncludes(clock.remedy!, "TZ");
});

Deno.test("examineProcess() counts how many files can be open, and closes them again", async () => {
  let open = 0;
  const openFile = () => {
    if (open === 100) throw new Error("Too many open files (os error 24)");
    open++;
    return { [Symbol.dispose]: () => void open-- };
  };
  const found = (await look({ openFile }))["open files"];
  assertEquals([found.verdict, found.text], ["warning", "only 100 more can be open at once"]);
  assertStringIncludes(found.remedy!, "LimitNOFILE");
  assertEquals(open, 0);
});

Deno.test("examineProcess() goes on when a look fails", async () => {
  const found = await look({
    user: () => {
      throw new Error("no users here");
    },
  });
  assertEquals([found.user.verdict, found.user.text], ["problem", "no users here"]);
  assertEquals(found.clock.verdict, "ok");
});
