/*
 * Edits, edits of many images and undos in the plainest way: maps, and a list of what each edit did. No
 * implications and no aliases.
 */

/** A person's lasting word on a tag, with a number that no other has. */
export type NaiveWord = { number: number; operation: "add" | "remove" };

/** An image: tag → who says it, tag → lasting word. */
export type NaiveImage = { tags: Map<string, string>; words: Map<string, NaiveWord> };

/** What one edit did: each thing before and after, undefined for none. */
type Change<T> = { name: string; before: T | undefined; after: T | undefined };
type NaiveEdit = {
  image: number;
  operation: number | null;
  undoes: number | null;
  tags: Change<string>[];
  words: Change<NaiveWord>[];
};

function isRating(name: string): boolean {
  return name.startsWith("rating:");
}

/** A library whose history can be taken back. */
export class NaiveHistory {
  /** Image → its state. */
  readonly images = new Map<number, NaiveImage>();
  /** Edit → what it did, in the order of time. */
  readonly edits = new Map<number, NaiveEdit>();
  #words = 0;

  /** Adds and removes tags as a person; undefined when nothing changes. */
  edit(
    image: number,
    change: { add: string[]; remove: string[] },
    operation: number | null = null,
  ): NaiveEdit | undefined {
    return this.#record({ image, operation, undoes: null }, ({ tags, words }) => {
      const rating = change.add.findLast(isRating);
      const unwanted = new Set(change.remove);
      if (rating !== undefined) {
        for (const name of tags.keys()) if (isRating(name) && name !== rating) unwanted.add(name);
      }
      for (const name of unwanted) {
        if (tags.delete(name)) words.set(name, this.#word("remove"));
      }
      for (const name of change.add) {
        if ((isRating(name) && name !== rating) || tags.has(name)) continue;
        tags.set(name, "user");
        words.set(name, this.#word("add"));
      }
    });
  }

  /** Whether an edit is taken back. */
  isUndone(number: number): boolean {
    const undos = [...this.edits].filter(([, edit]) => edit.undoes === number);
    const last = undos.at(-1);
    return last !== undefined && !this.isUndone(last[0]);
  }

  /** Takes an edit back, where it is still so. */
  undo(number: number, operation: number | null = null): NaiveEdit {
    const edit = this.edits.get(number)!;
    return this.#record({ image: edit.image, operation, undoes: number }, ({ tags, words }) => {
      const came = edit.tags.filter(({ before }) => before === undefined);
      const went = edit.tags.filter(({ after }) => after === undefined);
      const gone = came.filter(({ name }) => tags.has(name)).map(({ name }) => name);
      const rated = [...tags.keys()].filter((name) => isRating(name) && !gone.includes(name));
      const back = went.filter(({ name }) =>
        !tags.has(name) && !(isRating(name) && rated.length > 0)
      );
      const taken = [...gone, ...back.map(({ name }) => name)];
      for (const { name, before, after } of edit.words) {
        const isLast = words.get(name)?.number === after?.number;
        if (!taken.includes(name) && !isLast) continue;
        if (before === undefined) words.delete(name);
        else words.set(name, before);
      }
      for (const name of gone) tags.delete(name);
      for (const { name, before } of back) tags.set(name, before!);
      for (const { name, before, after } of edit.tags) {
        const isRestated = before !== undefined && after !== undefined;
        if (isRestated && tags.get(name) === after) tags.set(name, before);
      }
    }, true)!;
  }

  /** Edits of an operation that are not taken back. */
  inForce(operation: number): number[] {
    return [...this.edits].filter(([number, edit]) =>
      edit.operation === operation && !this.isUndone(number)
    ).map(([number]) => number).reverse();
  }

  #word(operation: "add" | "remove"): NaiveWord {
    return { number: ++this.#words, operation };
  }

  #record(
    about: Pick<NaiveEdit, "image" | "operation" | "undoes">,
    change: (image: NaiveImage) => void,
    isAlways = false,
  ): NaiveEdit | undefined {
    const image = this.images.get(about.image)!;
    const [tags, words] = [new Map(image.tags), new Map(image.words)];
    change(image);
    const edit = {
      ...about,
      tags: differences(tags, image.tags),
      words: differences(words, image.words),
    };
    if (edit.tags.length + edit.words.length === 0 && !isAlways) return undefined;
    this.edits.set(this.edits.size + 1, edit);
    return edit;
  }
}

function differences<T>(before: Map<string, T>, after: Map<string, T>): Change<T>[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((name) => ({ name, before: before.get(name), after: after.get(name) }))
    .filter((change) => change.before !== change.after);
}
