import { comparePairs, haveSameBytes } from "../src/media/compare.ts";
import { hashAlike, hashesBuffers, hashFirstBlocks } from "../src/media/hash_alike.ts";
import { hashedFilesBuffers, hashFiles } from "../src/media/md5.ts";
import { walkAllFiles, walkedFilesBuffers } from "../src/media/walk_files.ts";
import { examineDatabase, listTables } from "../src/store/check.ts";
import type { HasherContract } from "../src/worker/contracts.ts";
import { move } from "../src/worker/protocol.ts";
import { serve } from "../src/worker/serve.ts";

serve<HasherContract>({
  hashFiles: ({ paths }) => {
    const hashed = hashFiles(paths);
    return move(hashed, hashedFilesBuffers(hashed));
  },
  hashFirstBlocks: ({ paths }) => {
    const hashed = hashFirstBlocks(paths);
    return move(hashed, hashesBuffers(hashed));
  },
  hashAlike: ({ lists }) => {
    const hashed = hashAlike(lists);
    return move(hashed, hashesBuffers(hashed));
  },
  compareFiles: ({ left, right }) => ({ isSame: haveSameBytes(left, right) }),
  comparePairs: ({ pairs }) => comparePairs(pairs),
  walkFiles: (request) => {
    const walked = walkAllFiles(request);
    return move(walked, walkedFilesBuffers(walked));
  },
  examineDatabase: ({ path, part }) => examineDatabase(path, part),
  listTables: ({ path }) => listTables(path),
});
