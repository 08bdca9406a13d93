import { commandLine, describeReinstall } from "../base/command_line.ts";
import { readFfmpegVersion } from "../media/ffmpeg.ts";
import { readSqliteVersion } from "../store/database_health.ts";
import type { GpuFindings } from "../system/gpu.ts";
import { readMemory } from "../system/memory.ts";
import type { MediaContract } from "../worker/contracts.ts";
import { spawnMedia } from "../worker/spawn.ts";
import { WorkerClient } from "../worker/worker_client.ts";
import { failed, type Finding, fine, toSize, warned } from "./findings.ts";
import { findGpu, readProcessorName } from "./hardware.ts";

/** Below this a large library does not fit, and pictures are decoded with difficulty. */
const AVAILABLE_BYTES_MIN = 512 * 1_048_576;
const ANSWER_MS = 2_000;

/** Looks at what this program is made of. Never throws. */
export async function examineProgram(version: string): Promise<Finding[]> {
  const { deno, v8, typescript } = Deno.version;
  const runtime = `Deno ${deno}, V8 ${v8}, TypeScript ${typescript}`;
  return [
    fine("program", "ChibiBooru", version),
    fine("program", "runtime", runtime),
    examineSqlite(),
    await examinePictures(),
    await examineVideo(),
  ];
}

/** Looks at what this program runs on. Never throws. Cost: up to three seconds, for drivers. */
export async function examineMachine(): Promise<{ findings: Finding[]; gpu: GpuFindings }> {
  const gpu = await findGpu({ asksVendors: true });
  const devices = gpu.devices.filter((device) => device.kind !== "cpu");
  const text = devices.map(({ kind, name, memoryBytes }) =>
    `${name} (${kind}${memoryBytes === null ? "" : `, ${toSize(memoryBytes)}`})`
  ).join("; ");
  const cores = `${navigator.hardwareConcurrency} cores, ${readProcessorName()}`;
  const findings = [
    fine("machine", "processor", cores),
    examineMemory(),
    fine("machine", "GPU", devices.length === 0 ? "none found; nothing here needs one" : text),
  ];
  return { findings, gpu };
}

/** Looks whether the server could listen, or does. Never throws. */
export async function examinePort(hostname: string, port: number): Promise<Finding> {
  try {
    Deno.listen({ hostname, port }).close();
    return fine("network", "port", `${hostname}:${port} is free`);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) return failed("network", "port", error);
  }
  if (await isOurs(hostname, port)) {
    return fine("network", "port", `a server answers at ${hostname}:${port}`);
  }
  return {
    topic: "network",
    name: "port",
    verdict: "warning",
    text: `${hostname}:${port} is used by another program`,
    remedy: `Choose another port: ${commandLine("serve --port PORT")}`,
  };
}

/** Which addresses a proxy gives the server. */
export function examineAddresses(publicUrls: readonly string[]): Finding {
  if (publicUrls.length === 0) {
    return fine("network", "address", "this machine alone: no --public-url is set here");
  }
  const open = publicUrls.filter((url) => url.startsWith("http:"));
  const text = `also ${publicUrls.join(" and ")}, by a proxy`;
  if (open.length === 0) return fine("network", "address", text);
  return warned("network", "address", {
    text,
    remedy: `Let the proxy use TLS: what goes through ${
      open[0]
    } can be read and changed on its way`,
  });
}

async function isOurs(hostname: string, port: number): Promise<boolean> {
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  try {
    const response = await fetch(`http://${host}:${port}/healthz`, {
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    return (await response.json()).status === "ok";
  } catch {
    return false;
  }
}

function examineSqlite(): Finding {
  try {
    return fine("program", "SQLite", readSqliteVersion());
  } catch (error) {
    return failed("program", "SQLite", error);
  }
}

async function examinePictures(): Promise<Finding> {
  const worker = new WorkerClient<MediaContract>(spawnMedia, {
    name: "media",
    isTerminable: false,
  });
  try {
    const { sharp, libvips } = await worker.call("readVersions", null);
    return fine("program", "pictures", `sharp ${sharp}, libvips ${libvips}`);
  } catch (error) {
    const remedy = describeReinstall();
    return { ...failed("program", "pictures", error), remedy };
  } finally {
    await worker.close();
  }
}

async function examineVideo(): Promise<Finding> {
  const version = await readFfmpegVersion();
  if (version !== null) return fine("program", "films", `ffmpeg and ffprobe ${version}`);
  return {
    topic: "program",
    name: "films",
    verdict: "warning",
    text: "ffmpeg and ffprobe are not installed: films have no picture in lists",
    remedy: "Install ffmpeg, then start again",
  };
}

function examineMemory(): Finding {
  const { availableBytes, totalBytes } = readMemory();
  if (availableBytes === null || totalBytes === null) {
    return fine("machine", "memory", "the system does not tell");
  }
  const text = `${toSize(availableBytes)} of ${toSize(totalBytes)} available`;
  if (availableBytes >= AVAILABLE_BYTES_MIN) return fine("machine", "memory", text);
  const remedy = "Close other programs: a million images need about 1.3 GB";
  return { topic: "machine", name: "memory", verdict: "warning", text, remedy };
}
