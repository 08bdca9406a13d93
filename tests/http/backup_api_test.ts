import { assertEquals } from "@std/assert";
import { startServer, until } from "./support.ts";

Deno.test("POST /api/backup makes a backup as a task, and GET /api/backups lists it", async () => {
  await using server = await startServer({ pictures: [{}, {}] });
  assertEquals((await server.json("/api/backups")).body, { backups: [] });
  const started = await server.json("/api/backup", { method: "POST" });
  assertEquals([started.status, started.body.kind], [202, "backup"]);
  const path = `/api/tasks/${started.body.id}`;
  assertEquals(started.headers.get("location"), path);
  const task = await until("the backup", async () => {
    const { body } = await server.json(path);
    return body.endedAt === null ? undefined : body;
  });
  assertEquals([task.state, task.result.images, task.result.removed], ["succeeded", 2, []]);
  const { body: { backups } } = await server.json("/api/backups");
  const [{ name, kind, sizeBytes, hasChecksum }] = backups;
  assertEquals([backups.length, kind, hasChecksum], [1, "backup", true]);
  assertEquals([task.result.path.endsWith(name), sizeBytes], [true, task.result.sizeBytes]);
  for (const body of [{ keep: 0 }, { keep: "7" }, { to: "/somewhere" }]) {
    assertEquals((await server.send("POST", "/api/backup", body)).status, 400);
  }
});
