import { inspectMedia, renewThumbnail } from "../src/media/inspect.ts";
import type { MediaContract } from "../src/worker/contracts.ts";
import { serve } from "../src/worker/serve.ts";

serve<MediaContract>({ inspect: inspectMedia, renewThumbnail });
