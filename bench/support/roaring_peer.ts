import { RoaringBitmap32 } from "roaring-wasm";
import type { ImageSnapshot } from "../../src/cache/image_snapshot.ts";
import { type Answer, PAGE_IMAGES } from "./naive_search.ts";
import type { Peer } from "./peer.ts";
import type { LogNode } from "./query_log.ts";

/*
 * Compressed bitmaps by the npm package: one for each tag, made and run-optimised beforehand. Bitmaps
 * know no ranges, so queries with one are not asked. ANDs start from the smallest; exclusions are
 * taken out of what remains. What is made for one answer is disposed of in the same time, as its
 * memory is not collected.
 */

/** A bitmap, and whether it was made for this answer and may be changed. */
type Operand = { bits: RoaringBitmap32; isOwn: boolean };

class RoaringIndex {
  readonly #snapshot: ImageSnapshot;
  readonly #byTag = new Map<number, RoaringBitmap32>();
  readonly #all: RoaringBitmap32;

  constructor(snapshot: ImageSnapshot) {
    this.#snapshot = snapshot;
    this.#all = RoaringBitmap32.fromRange(0, snapshot.columns.imageId.length);
    this.#all.runOptimize();
  }

  /** Makes the bitmaps that a query needs; false when it asks a range. */
  provide(node: LogNode): boolean {
    if (node.kind === "range") return false;
    if (node.kind === "not") return this.provide(node.node);
    if (node.kind === "and" || node.kind === "or") {
      return node.nodes.every((inner) => this.provide(inner));
    }
    for (const tagId of node.kind === "tag" ? [node.tagId] : node.tagIds) {
      if (this.#byTag.has(tagId)) continue;
      const bits = new RoaringBitmap32(this.#snapshot.columnRowsOfTag(tagId));
      bits.runOptimize();
      bits.shrinkToFit();
      this.#byTag.set(tagId, bits);
    }
    return true;
  }

  answer(node: LogNode): Answer {
    const { bits, isOwn } = this.#evaluate(node);
    const total = bits.size;
    const last = bits.sliceUint32Array(Math.max(0, total - PAGE_IMAGES), total);
    if (isOwn) bits.dispose();
    const { imageId } = this.#snapshot.columns;
    return { total, ids: Array.from(last, (row) => imageId[row]).reverse() };
  }

  dispose(): void {
    for (const bits of this.#byTag.values()) bits.dispose();
    this.#all.dispose();
  }

  #evaluate(node: LogNode): Operand {
    switch (node.kind) {
      case "tag":
        return { bits: this.#byTag.get(node.tagId)!, isOwn: false };
      case "wildcard": {
        const lists = node.tagIds.map((id) => this.#byTag.get(id)!);
        return { bits: RoaringBitmap32.orMany(lists), isOwn: true };
      }
      case "not":
        return this.#exclude({ bits: this.#all, isOwn: false }, [node.node]);
      case "and": {
        const kept = node.nodes.filter((inner) => inner.kind !== "not");
        const excluded = node.nodes.flatMap((inner) => inner.kind === "not" ? [inner.node] : []);
        const first = kept.length === 0
          ? { bits: this.#all, isOwn: false }
          : this.#intersect(kept.map((inner) => this.#evaluate(inner)));
        return excluded.length === 0 ? first : this.#exclude(first, excluded);
      }
      case "or": {
        const operands = node.nodes.map((inner) => this.#evaluate(inner));
        const bits = operands.length === 2
          ? RoaringBitmap32.or(operands[0].bits, operands[1].bits)
          : RoaringBitmap32.orMany(operands.map((operand) => operand.bits));
        disposeOwn(operands);
        return { bits, isOwn: true };
      }
      case "range":
        throw new TypeError("Cannot ask a bitmap for a range");
    }
  }

  #intersect(operands: Operand[]): Operand {
    if (operands.length === 1) return operands[0];
    operands.sort((a, b) => a.bits.size - b.bits.size);
    const result = RoaringBitmap32.and(operands[0].bits, operands[1].bits);
    for (let i = 2; i < operands.length; i++) result.andInPlace(operands[i].bits);
    disposeOwn(operands);
    return { bits: result, isOwn: true };
  }

  #exclude(from: Operand, nodes: readonly LogNode[]): Operand {
    let result = from;
    for (const node of nodes) {
      const operand = this.#evaluate(node);
      if (result.isOwn) result.bits.andNotInPlace(operand.bits);
      else result = { bits: RoaringBitmap32.andNot(result.bits, operand.bits), isOwn: true };
      disposeOwn([operand]);
    }
    return result;
  }
}

function disposeOwn(operands: readonly Operand[]): void {
  for (const { bits, isOwn } of operands) if (isOwn) bits.dispose();
}

/** The npm package roaring-wasm over the lists of a snapshot. */
export function openRoaringPeer(snapshot: ImageSnapshot): Peer {
  const index = new RoaringIndex(snapshot);
  return {
    name: "roaring-wasm",
    description: "npm roaring-wasm 1.1.0 in process, one optimised bitmap a tag, no ranges",
    prepare: ({ node }) => Promise.resolve(index.provide(node) ? () => index.answer(node) : null),
    [Symbol.asyncDispose]: () => Promise.resolve(index.dispose()),
  };
}
