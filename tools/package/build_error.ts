/** Something that a maintainer can mend: shown without a stack. */
export class BuildError extends Error {
  override name = "BuildError";

  constructor(message: string, readonly remedy: string | null = null) {
    super(remedy === null ? message : `${message}. ${remedy}.`);
  }
}
