import type { Task } from "../../src/library/tasks.ts";
import { type TestServer, until } from "./support.ts";

/** A page as a browser asks for it. */
export async function openPage(server: TestServer, path: string) {
  const response = await server.request(path, { headers: { accept: "text/html,*/*;q=0.8" } });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** A form as a browser sends it: fields as pairs, or with a file. */
export async function submitForm(
  server: TestServer,
  path: string,
  fields: Record<string, string> | FormData = {},
  headers: Record<string, string> = {},
) {
  const response = await server.request(path, {
    method: "POST",
    headers: { accept: "text/html", ...headers },
    body: fields instanceof FormData ? fields : new URLSearchParams(fields),
  });
  const location = response.headers.get("location");
  return { status: response.status, location, text: await response.text() };
}

/** Waits until the task that an answer leads to has ended. */
export async function endOfTask(server: TestServer, location: string | null): Promise<Task> {
  const [, id] = /^\/tasks\/([^/?]+)/.exec(location ?? "") ?? [];
  if (id === undefined) throw new Error(`${location} is no task`);
  return await until("the task ends", () => {
    const task = server.library.tasks.get(id);
    return task?.endedAt === null ? null : task;
  });
}
