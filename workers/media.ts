import { inspectMedia, renewThumbnail } from "../src/media/inspect.ts";
import { readMediaFacts } from "../src/media/read_facts.ts";
import { readPictureVersions } from "../src/media/picture_versions.ts";
import { settlePictures } from "../src/media/thumbnail.ts";
import type { MediaContract } from "../src/worker/contracts.ts";
import { serve } from "../src/worker/serve.ts";

/** Answers when no job is in flight any more: a worker that ends inside one crashes the process. */
async function settled<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } finally {
    await settlePictures();
  }
}

serve<MediaContract>({
  inspect: (request) => settled(inspectMedia(request)),
  renewThumbnail: (request) => settled(renewThumbnail(request)),
  readVersions: () => readPictureVersions(),
  readFacts: (request) => settled(readMediaFacts(request)),
});
