/** What is needed of deno.json. */
export type TaskConfig = {
  version: string;
  imports: Record<string, string>;
  unstable: string[];
  permissions: Record<string, unknown>;
  tasks: Record<string, { command: string }>;
};

const USER_TASK = /-P=(\w+) main\.ts (\w+)$/;

/**
 * The commands of the program with the permissions that their tasks have, and these sets. `dev`, which is
 * `serve` for who changes the sources, is none of them.
 */
export function readPermissionSets(config: TaskConfig): {
  commands: { name: string; set: string }[];
  permissions: Record<string, unknown>;
} {
  const commands: { name: string; set: string }[] = [];
  const permissions: Record<string, unknown> = {};
  for (const [name, { command }] of Object.entries(config.tasks)) {
    const match = USER_TASK.exec(command);
    if (match === null || match[2] !== name) continue;
    const set = match[1];
    commands.push({ name, set });
    permissions[set] = config.permissions[set];
  }
  return { commands, permissions };
}
