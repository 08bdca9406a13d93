import { readPostIds } from "../src/tags/post_ids.ts";
import type { MetadataContract } from "../src/worker/contracts.ts";
import { move } from "../src/worker/protocol.ts";
import { serve } from "../src/worker/serve.ts";

serve<MetadataContract>({
  readPostIds: (documents) => {
    const found = readPostIds(documents);
    return move(found, [found.triples.buffer]);
  },
});
