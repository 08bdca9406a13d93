import { cpus } from "node:os";
import { detectGpu, type GpuFindings, makeToolRunner } from "../system/gpu.ts";
import { readMemory } from "../system/memory.ts";
import type { GpuContract } from "../worker/contracts.ts";
import { spawnGpu } from "../worker/spawn.ts";
import { WorkerClient } from "../worker/worker_client.ts";

/**
 * Finds GPUs by the WebGPU adapter, and by the vendors' programs if these may be started. Cost: a
 * worker, drivers and up to three seconds; the caller keeps the answer. Never throws.
 */
export async function findGpu(options: { asksVendors: boolean }): Promise<GpuFindings> {
  const worker = new WorkerClient<GpuContract>(spawnGpu, { name: "gpu" });
  try {
    return await detectGpu({
      requestAdapter: () => worker.call("describeAdapter", null),
      runTool: options.asksVendors ? makeToolRunner() : undefined,
      processor: { name: readProcessorName(), memoryBytes: readMemory().totalBytes },
    });
  } finally {
    worker.stop();
  }
}

/** What is known of the machine's hardware: found out once, when somebody asks. */
export class Hardware {
  #finding: Promise<GpuFindings> | undefined;
  #knownGpu: GpuFindings | null = null;

  /** GPUs as they were found; null before anybody asked. */
  get knownGpu(): GpuFindings | null {
    return this.#knownGpu;
  }

  /** Finds GPUs by the WebGPU adapter; never throws. Cost: see {@link findGpu}, the first time. */
  async findGpu(): Promise<GpuFindings> {
    this.#finding ??= findGpu({ asksVendors: false });
    this.#knownGpu = await this.#finding;
    return this.#knownGpu;
  }
}

/** Name of the processor as the system has it. */
export function readProcessorName(): string {
  try {
    return cpus()[0]?.model.trim() || "processor";
  } catch {
    return "processor";
  }
}
