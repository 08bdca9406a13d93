import type { PageStatus } from "./pages/page_status.ts";
import type { ServerState } from "./server_state.ts";

/** What every page says of the library. */
export function toPageStatus(state: ServerState): PageStatus {
  const snapshot = state.library.core.cache.current;
  return {
    loading: !state.isLoaded() && state.loadFault() === null,
    fault: state.loadFault(),
    progress: state.progress(),
    images: snapshot.length,
    tags: snapshot.usedTagCount,
    version: state.version,
    libraryFolder: state.library.paths.folder,
  };
}
