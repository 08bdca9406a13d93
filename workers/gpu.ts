import type { GpuContract } from "../src/worker/contracts.ts";
import { serve } from "../src/worker/serve.ts";

serve<GpuContract>({
  describeAdapter: async () => {
    const adapter = await navigator.gpu?.requestAdapter();
    if (!adapter) return null;
    const { description, vendor, architecture, isFallbackAdapter } = adapter.info;
    const name = description || `${vendor} ${architecture}`.trim() || "unnamed";
    return { name, isSoftware: isFallbackAdapter };
  },
});
