/** Key of an image in the database (`images.id`), 1 to 2^31-1. */
export type ImageId = number & { readonly __brand?: "ImageId" };
/** Key of a tag in the database (`tags.id`), 1 to 2^31-1. */
export type TagId = number & { readonly __brand?: "TagId" };
/** Key of a pool in the database (`pools.id`), 1 to 2^31-1. */
export type PoolId = number & { readonly __brand?: "PoolId" };
/** Dense index of an image in one snapshot, from 0; meaningless in another generation. */
export type Row = number & { readonly __brand?: "Row" };

/** Greatest id that fits the int32 columns. */
export const ID_MAX = 0x7fff_ffff;

/** Whether `value` is a whole number that the int32 columns can hold as an id. */
export function isId(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value > 0 && value <= ID_MAX;
}
