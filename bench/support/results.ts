import { VERSION } from "../../src/version.ts";

/** File to which every measured run is appended, one JSON object a line. */
const RESULTS = new URL("../results.jsonl", import.meta.url);

/** Appends a result with all that is needed to compare it later: commit, machine, versions. */
export async function recordResult(bench: string, figures: Record<string, unknown>): Promise<void> {
  const line = {
    bench,
    at: new Date().toISOString(),
    commit: await readCommit(),
    version: VERSION,
    deno: Deno.version.deno,
    machine: { cpu: await readCpu(), cores: navigator.hardwareConcurrency, os: Deno.build.os },
    ...figures,
  };
  await Deno.writeTextFile(RESULTS, JSON.stringify(line) + "\n", { append: true, create: true });
}

async function readCommit(): Promise<string> {
  const { stdout } = await new Deno.Command("git", { args: ["rev-parse", "--short", "HEAD"] })
    .output();
  return new TextDecoder().decode(stdout).trim();
}

async function readCpu(): Promise<string> {
  const text = await Deno.readTextFile("/proc/cpuinfo");
  return /model name\s*:\s*(.+)/.exec(text)?.[1] ?? "unknown";
}

/** Most memory that this process ever held (VmHWM), in MB of 10^6 bytes. */
export async function readPeakMb(): Promise<number> {
  const status = await Deno.readTextFile("/proc/self/status");
  return Math.round(Number(/VmHWM:\s+(\d+) kB/.exec(status)![1]) * 1.024e-3);
}
