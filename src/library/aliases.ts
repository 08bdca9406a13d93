import { findAliases } from "../query/alias_list.ts";
import { runSteps } from "../query/steps.ts";
import {
  type Alias,
  type AliasNames,
  findAliasConflicts,
  readAlias,
  readProposedAliases,
  type WantedAlias,
} from "../store/aliases.ts";
import { readImplications } from "../store/implications.ts";
import { followAliases } from "../store/tag_rules.ts";
import { readRuleName } from "./implications.ts";
import type { Library } from "./library.ts";
import { followTagRule } from "./tag_rules.ts";
import type { Task } from "./tasks.ts";

export type { Alias };

/** An alias that was written, and the task that moves images; null when there is nothing to move. */
export type AliasChange = { alias: Alias; task: Task | null };

/** What an alias would do. */
export type AliasPreview = AliasNames & {
  /** The tag that is meant in the end. */
  end: string;
  /** Images with the tag that becomes an alias. */
  images: number;
  /** Implications of that tag, which become those of the other. */
  implications: { source: string; implied: string; status: string }[];
  /** Why it cannot be added; empty when it can. */
  conflicts: string[];
  /** What else is to be known. */
  notes: string[];
  /** The alias as it is stored now. */
  known: Alias | null;
};

/** Implications of a tag that a preview lists. */
const IMPLICATIONS_SHOWN_MAX = 100;

/**
 * Lists aliases by name: those that hold, as they are in the cache, or those that were proposed.
 *
 * @throws {AppError} `timeout`.
 */
export async function listAliases(
  library: Library,
  wanted: {
    status: "active" | "pending";
    matches: (name: string) => boolean;
    limit: number;
    offset: number;
  },
): Promise<{ aliases: Alias[]; total: number }> {
  const { reader, cache } = library.core;
  const { limit, offset, matches } = wanted;
  if (wanted.status === "pending") return readProposedAliases(reader, { limit, offset });
  const found = await runSteps(
    findAliases(
      cache.current.aliases,
      ({ antecedent, consequent }) => matches(antecedent) || matches(consequent),
    ),
  );
  const aliases = found.slice(offset, offset + limit)
    .map(({ antecedent }) => readAlias(reader, antecedent))
    .filter((alias) => alias !== undefined);
  return { aliases, total: found.length };
}

/**
 * Tells what an alias would do, and writes nothing.
 *
 * @throws {AppError} `bad_request` for a name that cannot be.
 */
export function previewAlias(
  library: Library,
  wanted: AliasNames & { movesImages: boolean },
): AliasPreview {
  const { reader, cache } = library.core;
  const { tags } = cache.current;
  const names = readNames(library, wanted);
  const { antecedent, consequent } = names;
  const imagesOf = (name: string) => {
    const id = tags.idOf(name);
    return id === undefined ? 0 : cache.current.countOfTag(id);
  };
  const find = (filter: { source?: string; implied?: string }) =>
    readImplications(reader, { ...filter, limit: IMPLICATIONS_SHOWN_MAX, offset: 0 }).implications;
  const end = followAliases(reader, consequent).at(-1)!;
  const images = imagesOf(antecedent);
  const notes: string[] = [];
  if (tags.idOf(end) === undefined) notes.push(`The library has no tag "${end}" yet`);
  if (end !== consequent) notes.push(`"${consequent}" is itself an alias: "${end}" is meant`);
  if (images > 0 && !wanted.movesImages) {
    notes.push(`${images} images keep "${antecedent}", which only a wildcard (*) finds then`);
  }
  const known = readAlias(reader, antecedent) ?? null;
  if (known !== null && known.status !== "active") notes.push(`It is there as ${known.status}`);
  return {
    ...names,
    end,
    images,
    implications: [...find({ source: antecedent }), ...find({ implied: antecedent })]
      .map(({ source, implied, status }) => ({ source, implied, status })),
    conflicts: findAliasConflicts(reader, { ...names, movesImages: wanted.movesImages }),
    notes,
    known,
  };
}

function readNames(library: Library, names: AliasNames): AliasNames {
  return {
    antecedent: readRuleName(library, names.antecedent),
    consequent: readRuleName(library, names.consequent),
  };
}

/**
 * Adds an alias: an active one holds at once, in searches, edits and imports; a task moves the images that
 * have its name, if they are to be moved.
 *
 * @throws {AppError} `bad_request` for a name that cannot be, `conflict` naming what stands against it.
 */
export async function addAlias(library: Library, wanted: WantedAlias): Promise<AliasChange> {
  const { alias, jobId } = await library.writer.call("addAlias", {
    ...wanted,
    ...readNames(library, wanted),
  });
  return { alias, task: await followTagRule(library, jobId) };
}

/**
 * Lets a proposed alias hold, as {@link addAlias}.
 *
 * @throws {AppError} `not_found`, `conflict`.
 */
export async function approveAlias(
  library: Library,
  wanted: { antecedent: string; movesImages: boolean },
): Promise<AliasChange> {
  const { alias, jobId } = await library.writer.call("approveAlias", wanted);
  return { alias, task: await followTagRule(library, jobId) };
}

/**
 * Removes an alias, or rejects a proposed one: its name is a name of its own again. Images that were moved
 * stay moved.
 *
 * @throws {AppError} `not_found`.
 */
export async function removeAlias(library: Library, antecedent: string): Promise<Alias> {
  const alias = await library.writer.call("removeAlias", { antecedent });
  await followTagRule(library, null);
  return alias;
}
