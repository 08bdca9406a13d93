/** What every page says of the library: its size, and how far it is loaded. */
export type PageStatus = {
  /** True until the first load is done: pages then say so, and call again until it is over. */
  loading: boolean;
  /** Images loaded so far, and how many there are; null when nobody knows yet. */
  progress: { done: number; total: number } | null;
  /** Why the newest load failed, so that what is shown may be old; null when it did not. */
  fault?: string | null;
  images: number;
  tags: number;
  /** Version of the program. */
  version: string;
  /** Path of the library's folder. */
  libraryFolder: string;
};
