/*
 * Aliases and implications as simply as they can be said: everything is worked out anew from the tags that
 * somebody stated, whenever it is asked for.
 */

/** Who says that an image has a tag. */
export type StatedOrigin = "original" | "user";

type NaiveImage = {
  stated: Map<string, StatedOrigin>;
  /** The person's lasting words, in their order: name as written, whether the tag is wanted. */
  words: [name: string, isWanted: boolean][];
};

/** A library of a few images in plain maps. */
export class NaiveTagRules {
  readonly images = new Map<number, NaiveImage>();
  edges: [source: string, implied: string][] = [];
  readonly aliases = new Map<string, string>();

  resolve(name: string): string {
    const next = this.aliases.get(name);
    return next === undefined ? name : this.resolve(next);
  }

  /** Whether a tag follows from another, over any number of implications. */
  follows(from: string, to: string): boolean {
    const seen = new Set([from]);
    for (const tag of seen) {
      for (const [source, implied] of this.edges) if (source === tag) seen.add(implied);
    }
    return from !== to && seen.has(to);
  }

  unwantedOf(imageId: number): Set<string> {
    const wanted = new Map(
      this.images.get(imageId)!.words.map(([name, is]) => [this.resolve(name), is]),
    );
    return new Set([...wanted].filter(([, is]) => !is).map(([name]) => name));
  }

  /** Name → origin of every tag of an image. */
  tagsOf(imageId: number): Map<string, string> {
    const unwanted = this.unwantedOf(imageId);
    const tags = new Map<string, string>(this.images.get(imageId)!.stated);
    for (let isGrowing = true; isGrowing;) {
      isGrowing = false;
      for (const [source, implied] of this.edges) {
        if (!tags.has(source) || tags.has(implied) || unwanted.has(implied)) continue;
        tags.set(implied, "implication");
        isGrowing = true;
      }
    }
    return tags;
  }

  /** A person's edit. */
  edit(imageId: number, add: readonly string[], remove: readonly string[]): void {
    const image = this.images.get(imageId)!;
    const before = this.tagsOf(imageId);
    const gone = remove.map((name) => before.has(name) ? name : this.resolve(name));
    for (const name of gone) image.stated.delete(name);
    const left = new Map([...before].filter(([name]) => !gone.includes(name)));
    const come = add.map((name) => this.resolve(name))
      .filter((name) => (left.get(name) ?? "implication") === "implication");
    for (const name of come) image.stated.set(name, "user");
    // What was not there and would come only now is not wanted either.
    const coming = this.tagsOf(imageId);
    for (const name of gone) {
      if (before.has(name) || coming.get(name) === "implication") this.#say(image, name, false);
    }
    for (const name of come) this.#say(image, name, true);
  }

  #say(image: NaiveImage, name: string, isWanted: boolean): void {
    image.words = [...image.words.filter(([other]) => other !== name), [name, isWanted]];
  }

  /** What a site says of an image, new or known. */
  import(imageId: number, names: readonly string[]): void {
    if (!this.images.has(imageId)) this.images.set(imageId, { stated: new Map(), words: [] });
    const { stated } = this.images.get(imageId)!;
    const unwanted = this.unwantedOf(imageId);
    for (const name of names.map((one) => this.resolve(one))) {
      if (!unwanted.has(name) && !stated.has(name)) stated.set(name, "original");
    }
  }

  /** Tags that no site says any more. */
  unsay(imageId: number, names: readonly string[]): void {
    const before = this.tagsOf(imageId);
    for (const name of names) {
      this.images.get(imageId)!.stated.delete(before.has(name) ? name : this.resolve(name));
    }
  }

  /** Whether an implication can be added. */
  canImply(source: string, implied: string): boolean {
    const [from, to] = [this.resolve(source), this.resolve(implied)];
    return from === source && to === implied && from !== to && !this.follows(to, from) &&
      !this.edges.some(([a, b]) => a === from && b === to);
  }

  /** Whether an alias can be added whose images move. */
  canAlias(antecedent: string, consequent: string): boolean {
    const end = this.resolve(consequent);
    if (antecedent === consequent || end === antecedent || this.aliases.has(antecedent)) {
      return false;
    }
    const others = new NaiveTagRules();
    const isDirect = ([a, b]: [string, string]) =>
      (a === antecedent && b === end) || (a === end && b === antecedent);
    others.edges = this.edges.filter((edge) => !isDirect(edge));
    return !others.follows(antecedent, end) && !others.follows(end, antecedent);
  }

  alias(antecedent: string, consequent: string): void {
    this.aliases.set(antecedent, consequent);
    const end = this.resolve(antecedent);
    const edges = new Map<string, [string, string]>();
    for (const [source, implied] of this.edges) {
      const edge: [string, string] = [
        source === antecedent ? end : source,
        implied === antecedent ? end : implied,
      ];
      if (edge[0] !== edge[1]) edges.set(edge.join(), edge);
    }
    this.edges = [...edges.values()];
    for (const { stated } of this.images.values()) {
      const origin = stated.get(antecedent);
      if (origin === undefined) continue;
      stated.delete(antecedent);
      if (!stated.has(end)) stated.set(end, origin);
    }
  }
}
