import { type RunTool, runTool } from "./tools.ts";

/** What computes: NVIDIA's, AMD's, Intel's and Apple's own ways, what browsers use, or no GPU at all. */
export type GpuKind = "cuda" | "rocm" | "xpu" | "mps" | "webgpu" | "cpu";

/** One device and how it is reached. */
export type GpuDevice = {
  kind: GpuKind;
  name: string;
  /** Memory of the device; null if its source does not tell. */
  memoryBytes: number | null;
  /** Who said so: a program's name, "navigator.gpu" or "system". */
  source: string;
};

/** What there is, and the most able of it; there is always at least the processor. */
export type GpuFindings = { devices: GpuDevice[]; best: GpuDevice };

/** What {@link detectGpu} may ask. */
export type GpuSources = {
  /** Asks WebGPU for its adapter; null if there is none. May fail or never end. */
  requestAdapter?: () => Promise<{ name: string; isSoftware: boolean } | null>;
  /** Runs a vendor's program; left out, none is asked. */
  runTool?: RunTool;
  /** What is said of the processor. */
  processor: { name: string; memoryBytes: number | null };
  /** Operating system and instruction set, as Deno names them. */
  machine?: { os: string; arch: string };
  timeoutMs?: number;
};

/** The most able first. */
const ORDER: readonly GpuKind[] = ["cuda", "rocm", "xpu", "mps", "webgpu", "cpu"];
const TIMEOUT_MS = 3_000;
const MEBIBYTE = 1_048_576;
/** Renderers of Mesa and of browsers that draw by the processor. */
const SOFTWARE = /llvmpipe|softpipe|lavapipe|swiftshader|basic render/i;

/**
 * Finds what could compute besides the processor, all sources at once. Never throws, and takes at most
 * three seconds: what does not answer is not there.
 */
export async function detectGpu(sources: GpuSources): Promise<GpuFindings> {
  const timeoutMs = sources.timeoutMs ?? TIMEOUT_MS;
  const run = sources.runTool;
  const looks: Promise<GpuDevice[]>[] = [
    askWebGpu(sources.requestAdapter),
    ...(run === undefined ? [] : [askNvidia(run), askAmd(run), askIntel(run), askVulkan(run)]),
  ];
  const found = await Promise.all(looks.map((look) => within(look, timeoutMs)));
  const devices = [...found.flat(), ...findApple(sources)];
  const { name, memoryBytes } = sources.processor;
  devices.push({ kind: "cpu", name, memoryBytes, source: "system" });
  devices.sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
  // A renderer that is the processor is no better than the processor by itself.
  const isReal = ({ kind, source }: GpuDevice) => kind !== "cpu" || source === "system";
  return { devices, best: devices.find(isReal)! };
}

/** Runs vendors' programs as {@link detectGpu} needs it. */
export function makeToolRunner(timeoutMs: number = TIMEOUT_MS): RunTool {
  return (name, args) => runTool(name, args, { timeoutMs });
}

async function askWebGpu(ask: GpuSources["requestAdapter"]): Promise<GpuDevice[]> {
  const adapter = await ask?.() ?? null;
  if (adapter === null) return [];
  const isSoftware = adapter.isSoftware || SOFTWARE.test(adapter.name);
  return [{
    kind: isSoftware ? "cpu" : "webgpu",
    name: adapter.name,
    memoryBytes: null,
    source: "navigator.gpu",
  }];
}

/** `NVIDIA GeForce RTX 3090, 24576`, in MiB; some laptops' cards say `[N/A]`. */
async function askNvidia(run: RunTool): Promise<GpuDevice[]> {
  const args = ["--query-gpu=name,memory.total", "--format=csv,noheader,nounits"];
  const text = await run("nvidia-smi", args) ?? "";
  return toLines(text).map((line) => {
    const comma = line.lastIndexOf(",");
    const name = comma < 0 ? line : line.slice(0, comma).trim();
    const mebibytes = comma < 0 ? null : toCount(line.slice(comma + 1).trim());
    return {
      kind: "cuda",
      name,
      memoryBytes: mebibytes === null ? null : mebibytes * MEBIBYTE,
      source: "nvidia-smi",
    };
  });
}

/** `{"card0": {"Card Series": …, "VRAM Total Memory (B)": "17163091968"}}`; the spelling changed often. */
async function askAmd(run: RunTool): Promise<GpuDevice[]> {
  const text = await run("rocm-smi", ["--showproductname", "--showmeminfo", "vram", "--json"]);
  const cards = toObject(parseJson(text));
  return Object.entries(cards).filter(([key]) => /^card\d+$/i.test(key)).map(([key, value]) => {
    const fields = Object.entries(toObject(value));
    const find = (pattern: RegExp) => fields.find(([name]) => pattern.test(name))?.[1];
    const name = find(/^card series$/i) ?? find(/^card model$/i) ?? find(/^device name$/i) ?? key;
    const memoryBytes = toCount(find(/^vram total memory/i));
    return { kind: "rocm", name: String(name), memoryBytes, source: "rocm-smi" };
  });
}

/** `{"device_list": [{"device_name": …, "memory_physical_size_byte": …}]}` */
async function askIntel(run: RunTool): Promise<GpuDevice[]> {
  const { device_list: list } = toObject(parseJson(await run("xpu-smi", ["discovery", "-j"])));
  return (Array.isArray(list) ? list : []).map(toObject).map((device) => ({
    kind: "xpu",
    name: String(device.device_name ?? "Intel GPU"),
    memoryBytes: toCount(device.memory_physical_size_byte),
    source: "xpu-smi",
  }));
}

/** Blocks of `deviceType = PHYSICAL_DEVICE_TYPE_DISCRETE_GPU` and `deviceName = …`. */
async function askVulkan(run: RunTool): Promise<GpuDevice[]> {
  const text = await run("vulkaninfo", ["--summary"]) ?? "";
  const valuesOf = (key: string) =>
    [...text.matchAll(new RegExp(`^\\s*${key}\\s*=\\s*(.+)$`, "gm"))].map(([, value]) =>
      value.trim()
    );
  const types = valuesOf("deviceType");
  return valuesOf("deviceName").map((name, i) => ({
    kind: /_CPU$/.test(types[i] ?? "") || SOFTWARE.test(name) ? "cpu" : "webgpu",
    name,
    memoryBytes: null,
    source: "vulkaninfo",
  }));
}

/** Apple's chips have one GPU, which shares the memory. */
function findApple({ machine = Deno.build, processor }: GpuSources): GpuDevice[] {
  if (machine.os !== "darwin" || machine.arch !== "aarch64") return [];
  const { name, memoryBytes } = processor;
  return [{ kind: "mps", name: `GPU of ${name}`, memoryBytes, source: "system" }];
}

/** What a look found, or nothing when it fails or takes too long. */
async function within(look: Promise<GpuDevice[]>, timeoutMs: number): Promise<GpuDevice[]> {
  const late = Promise.withResolvers<GpuDevice[]>();
  const timer = setTimeout(() => late.resolve([]), timeoutMs);
  try {
    return await Promise.race([look.catch(() => []), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function toLines(text: string): string[] {
  return text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
}

function parseJson(text: string | null): unknown {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}

function toObject(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
}

/** A whole number that may be written as text; null for anything else. */
function toCount(value: unknown): number | null {
  return /^\d{1,15}$/.test(String(value)) ? Number(value) : null;
}
