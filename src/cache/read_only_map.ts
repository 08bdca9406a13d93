/** A Map that refuses changes at run time too: it is shared by everyone who asks for it. */
export class ReadOnlyMap<K, V> extends Map<K, V> {
  #isSealed = false;

  /** Takes the entries that the map has for ever. */
  constructor(entries: Iterable<readonly [K, V]>) {
    super(entries);
    this.#isSealed = true;
  }

  /** Always throws. */
  override set(key: K, value: V): this {
    // The constructor of Map calls set before the fields of this class exist.
    if (#isSealed in this && this.#isSealed) {
      throw new TypeError("Cannot set: the map is read-only");
    }
    return super.set(key, value);
  }

  /** Always throws. */
  override delete(_key: K): boolean {
    throw new TypeError("Cannot delete: the map is read-only");
  }

  /** Always throws. */
  override clear(): void {
    throw new TypeError("Cannot clear: the map is read-only");
  }
}
