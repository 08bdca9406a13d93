import type { Answer } from "./naive_search.ts";
import type { LoggedQuery } from "./query_log.ts";

/** Another engine that answers the same queries over the same library. */
export type Peer = AsyncDisposable & {
  name: string;
  /** What it is and how it is set up, for the record. */
  description: string;
  /**
   * Makes everything ready that a fair comparison leaves out (compiled statements, lists of wildcards):
   * what is returned answers the query once and is timed. Null when it cannot answer such a query.
   */
  prepare(query: LoggedQuery): Promise<(() => Answer | Promise<Answer>) | null>;
};

/** Why a peer takes no part. */
export type Absence = { name: string; reason: string };
