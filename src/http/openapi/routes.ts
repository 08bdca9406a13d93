import type { RouteDescription } from "./route.ts";
import { IMAGE_ROUTES } from "./routes_images.ts";
import { HISTORY_ROUTES } from "./routes_history.ts";
import { LIBRARY_ROUTES } from "./routes_library.ts";
import { SERVER_ROUTES } from "./routes_server.ts";
import { TAG_ROUTES } from "./routes_tags.ts";

/** Every route of the JSON API, and what tells how the server is. */
export const ROUTES: readonly RouteDescription[] = [
  ...IMAGE_ROUTES,
  ...TAG_ROUTES,
  ...HISTORY_ROUTES,
  ...LIBRARY_ROUTES,
  ...SERVER_ROUTES,
];
