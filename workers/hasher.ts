import { haveSameBytes } from "../src/media/compare.ts";
import { hashedFilesBuffers, hashFiles } from "../src/media/md5.ts";
import type { HasherContract } from "../src/worker/contracts.ts";
import { move } from "../src/worker/protocol.ts";
import { serve } from "../src/worker/serve.ts";

serve<HasherContract>({
  hashFiles: ({ paths }) => {
    const hashed = hashFiles(paths);
    return move(hashed, hashedFilesBuffers(hashed));
  },
  compareFiles: ({ left, right }) => ({ isSame: haveSameBytes(left, right) }),
});
