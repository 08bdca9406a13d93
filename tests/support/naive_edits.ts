import type { NaiveWriter } from "./naive_database.ts";
import {
  drawParents,
  LIBRARY_NOW,
  makeImage,
  makePool,
  makeTags,
} from "./naive_library_arbitrary.ts";
import type { NaiveImage, NaiveLibrary, NaiveTag } from "./naive_search.ts";
import type { Random } from "./random.ts";

/** What edits change: a library, its tags, and the database that holds both. */
export type EditScope = {
  random: Random;
  library: NaiveLibrary;
  tags: NaiveTag[];
  writer: NaiveWriter;
};

type Edit = (scope: EditScope) => string;

/** Makes one random edit in the library and in the database. Returns what was done. */
export function applyRandomEdit(scope: EditScope): string {
  const { random, library } = scope;
  const edits = library.images.length === 0 ? [addImage] : EDITS;
  return random.pick(edits)(scope);
}

const EDITS: Edit[] = [
  ...[changeTags, changeTags, changeImage, addImage, addImage, removeImage, setFavourite],
  ...[setFavourite, changeParents, changePool, removePool, changeAliases, changeCategory],
];

function changeTags({ random, library, tags, writer }: EditScope): string {
  const image = random.pick(library.images);
  if (random.int(6) === 0) tags.push(...newTags(random, tags));
  const added = Array.from({ length: random.int(4) }, () => random.pick(tags));
  image.tags = [...new Set([...random.some(image.tags, 0.7), ...added])]
    .filter((tag) => tag !== undefined);
  writer.updateImage(image);
  return `tags of ${image.id}`;
}

function newTags(random: Random, tags: readonly NaiveTag[]): NaiveTag[] {
  const known = new Set(tags.map(({ name }) => name));
  return makeTags(random, 3).map((tag) => ({ ...tag, name: `${tag.name}_${tags.length}` }))
    .filter(({ name }) => !known.has(name));
}

function changeImage({ random, library, tags, writer }: EditScope): string {
  const image = random.pick(library.images);
  const { parents, parentPostId } = image;
  const changed = makeImage(random, { id: image.id, tags, tagsPerImage: 5 });
  Object.assign(image, changed, { parents, parentPostId });
  writer.updateImage(image);
  return `all of ${image.id}`;
}

function addImage({ random, library, tags, writer }: EditScope): string {
  const ids = library.images.map(({ id }) => id);
  const last = Math.max(0, ...ids);
  const between = 1 + random.int(last + 1);
  const id = ids.includes(between) || random.int(2) === 0 ? last + 1 + random.int(3) : between;
  const image: NaiveImage = makeImage(random, { id, tags, tagsPerImage: 5 });
  if (ids.length > 0) drawParents(random, image, ids);
  library.images.push(image);
  writer.insertImage(image);
  writer.insertParents(image);
  return `new ${id}`;
}

function removeImage({ random, library, writer }: EditScope): string {
  const { id } = random.pick(library.images);
  library.images = library.images.filter((image) => image.id !== id);
  for (const image of library.images) image.parents = image.parents.filter((other) => other !== id);
  for (const pool of library.pools) pool.imageIds = pool.imageIds.filter((other) => other !== id);
  writer.removeImage(id);
  return `removed ${id}`;
}

function setFavourite({ random, library, writer }: EditScope): string {
  const image = random.pick(library.images);
  image.favouritedAt = random.int(3) === 0 ? null : LIBRARY_NOW - random.int(500_000);
  writer.setFavourite(image);
  return `favourite ${image.id}`;
}

function changeParents({ random, library, writer }: EditScope): string {
  const image = random.pick(library.images);
  drawParents(random, image, library.images.map(({ id }) => id));
  writer.updateImage(image);
  return `parents of ${image.id}`;
}

function changePool({ random, library, writer }: EditScope): string {
  const id = 1 + random.int(library.pools.length + 1);
  const pool = makePool(random, id, library.images.map((image) => image.id));
  library.pools = [...library.pools.filter((other) => other.id !== id), pool];
  writer.putPool(pool);
  return `pool ${id}`;
}

function removePool({ random, library, writer }: EditScope): string {
  if (library.pools.length === 0) return "nothing";
  const { id } = random.pick(library.pools);
  library.pools = library.pools.filter((pool) => pool.id !== id);
  writer.removePool(id);
  return `removed pool ${id}`;
}

function changeAliases({ random, library, tags, writer }: EditScope): string {
  const { aliases } = library;
  if (aliases.length > 0 && random.int(2) === 0) {
    const { from } = random.pick(aliases);
    library.aliases = aliases.filter((alias) => alias.from !== from);
    writer.removeAlias(from);
    return `removed alias ${from}`;
  }
  const from = `alias_${random.int(9)}`;
  if (tags.length === 0 || aliases.some((alias) => alias.from === from)) return "nothing";
  // What stands for another name stands for no alias: the document does not say what that would mean.
  const to = random.pick(tags).name;
  if (aliases.some((alias) => alias.from === to)) return "nothing";
  aliases.push({ from, to });
  writer.putAlias(from, to);
  return `alias ${from} for ${to}`;
}

function changeCategory({ random, tags, writer }: EditScope): string {
  if (tags.length === 0) return "nothing";
  const tag = random.pick(tags);
  tag.category = random.pick(["general", "artist", "character", "meta", null]);
  writer.setCategory(tag);
  return `category of ${tag.name}`;
}
