import { assertEquals } from "@std/assert";
import { detectGpu, type GpuDevice, type GpuSources } from "../../src/system/gpu.ts";
import { runTool } from "../../src/system/tools.ts";

const PROCESSOR = { name: "Some processor", memoryBytes: 1_000 };
const LINUX = { os: "linux", arch: "x86_64" };
const CPU: GpuDevice = {
  kind: "cpu",
  name: "Some processor",
  memoryBytes: 1_000,
  source: "system",
};

/** What is found where programs answer these texts. */
async function detect(answers: Record<string, string>, rest: Partial<GpuSources> = {}) {
  const { devices, best } = await detectGpu({
    runTool: (name) => Promise.resolve(answers[name] ?? null),
    processor: PROCESSOR,
    machine: LINUX,
    ...rest,
  });
  return {
    best: best.kind,
    devices: devices.map(({ kind, name, memoryBytes }) => [kind, name, memoryBytes]),
  };
}

Deno.test("detectGpu() reads what the vendors' programs say, the most able first", async () => {
  const found = await detect({
    "nvidia-smi": "NVIDIA GeForce RTX 3090, 24576\nOdd, name, [N/A]\n\n",
    "rocm-smi": JSON.stringify({
      card0: { "Card Series": "Radeon RX 7900", "VRAM Total Memory (B)": "17163091968" },
      card1: { "Device Name": "Radeon Pro" },
      system: { "Driver version": "6" },
    }),
    "xpu-smi": JSON.stringify({
      device_list: [{ device_name: "Arc A770", memory_physical_size_byte: "16225243136" }, {}],
    }),
    vulkaninfo: "GPU0:\n\tdeviceType = PHYSICAL_DEVICE_TYPE_DISCRETE_GPU\n\tdeviceName = GPU X\n" +
      "GPU1:\n\tdeviceType = PHYSICAL_DEVICE_TYPE_CPU\n\tdeviceName = llvmpipe (LLVM)\n",
  });
  assertEquals(found, {
    best: "cuda",
    devices: [
      ["cuda", "NVIDIA GeForce RTX 3090", 24_576 * 1_048_576],
      ["cuda", "Odd, name", null],
      ["rocm", "Radeon RX 7900", 17_163_091_968],
      ["rocm", "Radeon Pro", null],
      ["xpu", "Arc A770", 16_225_243_136],
      ["xpu", "Intel GPU", null],
      ["webgpu", "GPU X", null],
      ["cpu", "llvmpipe (LLVM)", null],
      ["cpu", "Some processor", 1_000],
    ],
  });
});

Deno.test("detectGpu() takes a renderer that is the processor for what it is", async () => {
  const adapter = (name: string, isSoftware: boolean) => ({
    requestAdapter: () => Promise.resolve({ name, isSoftware }),
  });
  assertEquals((await detect({}, adapter("GPU Y", false))).best, "webgpu");
  for (const [name, isSoftware] of [["Fallback", true], ["SwiftShader", false]] as const) {
    const { best } = await detectGpu({ processor: PROCESSOR, ...adapter(name, isSoftware) });
    assertEquals(best, CPU);
  }
  const apple = await detect({}, { machine: { os: "darwin", arch: "aarch64" } });
  assertEquals(apple.devices[0], ["mps", "GPU of Some processor", 1_000]);
});

Deno.test("detectGpu() finds the processor whatever fails, never answers or answers nonsense", async () => {
  const never = new Promise<never>(() => {});
  const nonsense = [
    "",
    "null",
    "[]",
    "{",
    '"x"',
    '{"device_list":[null,3]}',
    '{"card0":null}',
    "= \0",
  ];
  for (const text of nonsense) {
    const answers = { "rocm-smi": text, vulkaninfo: text, "xpu-smi": text };
    const { best } = await detectGpu({
      requestAdapter: () => Promise.reject(new Error("no driver")),
      runTool: (name) => Promise.resolve(answers[name as "vulkaninfo"] ?? null),
      processor: PROCESSOR,
    });
    assertEquals(typeof best.name, "string", text);
  }
  const found = await detectGpu({
    requestAdapter: () => never,
    runTool: (name) => name === "nvidia-smi" ? never : Promise.reject(new Error("odd")),
    processor: PROCESSOR,
    machine: LINUX,
    timeoutMs: 20,
  });
  assertEquals(found, { devices: [CPU], best: CPU } as typeof found);
});

Deno.test("runTool() gives what a program prints, and null for what fails, is missing or never ends", async () => {
  const run = (args: string[], timeoutMs = 20_000) => runTool(Deno.execPath(), args, { timeoutMs });
  assertEquals(await run(["eval", "console.log('$(x)'); console.error('not this')"]), "$(x)\n");
  assertEquals(await run(["eval", "console.log('x'); Deno.exit(3)"]), null);
  assertEquals(await runTool("no-such-program-here", [], { timeoutMs: 1_000 }), null);
  assertEquals(
    await run(["eval", "await new Promise(() => setInterval(() => {}, 1e6))"], 50),
    null,
  );
});
