import { runProgram } from "../package/run_program.ts";

/** The commit that a release is made from. */
export type Commit = { hash: string; time: Date; isDirty: boolean };

/** Reads the commit of a working tree; what git ignores does not make it dirty. */
export async function readCommit(project: string): Promise<Commit> {
  const git = (...args: string[]) =>
    runProgram("git", args, { cwd: project, debianPackage: "git" });
  const [hash, seconds] = (await git("log", "-1", "--format=%H %ct")).trim().split(" ");
  const status = await git("status", "--porcelain");
  return { hash, time: new Date(Number(seconds) * 1_000), isDirty: status !== "" };
}

/** Version that the uppermost heading of a changelog names; undefined when there is none, as in "Unreleased". */
export function readTopVersion(changelog: string): string | undefined {
  const [, heading] = /^## +(.+)$/m.exec(changelog) ?? [];
  return /^\[?v?(\d+\.\d+\.\d+(?:[-+][\w.+-]*\w)?)\]?(?=$|[\s:,(])/.exec(heading?.trim() ?? "")
    ?.[1];
}
