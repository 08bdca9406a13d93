import { AppError } from "../base/errors.ts";
import { countGains } from "../query/tag_gains.ts";
import { runSteps } from "../query/steps.ts";
import {
  type ChainLink,
  findImplication,
  findImplicationConflicts,
  findImplicationPath,
  type Implication,
  type ImplicationIds,
  type ImplicationNames,
  readImagesWithout,
  readImplicationChain,
  readImplications,
} from "../store/implications.ts";
import { checkTagName, normalizeTagName } from "../tags/tag_name.ts";
import type { Library } from "./library.ts";
import { followTagRule } from "./tag_rules.ts";
import type { Task } from "./tasks.ts";

/** A tag that images would get, and how many of them. */
export type PreviewedGain = {
  name: string;
  category: string | null;
  /** Names from the tag that implies to this one, both included. */
  path: string[];
  /** Images that do not have it and would get it. */
  images: number;
};

/** What an implication would do. */
export type ImplicationPreview = ImplicationNames & {
  /** Images with the tag that implies. */
  sourceImages: number;
  /** The implied tag and all that follows from it. */
  chain: PreviewedGain[];
  /** Why it cannot be added; empty when it can. */
  conflicts: string[];
  /** What else is to be known: that it is there already, or that a tag is new. */
  notes: string[];
  /** The same implication as it is stored now. */
  known: Implication | null;
};

/** A rule that was written, and the task that brings it to images; null when none need follow. */
export type ImplicationChange = { implication: Implication; task: Task | null };

export type { Implication };

/** Every implication, or those in one state, the newest first. Cost: about 2 µs an implication. */
export function listImplications(library: Library, status?: string): Implication[] {
  const all = { limit: Number.MAX_SAFE_INTEGER, offset: 0 };
  return readImplications(library.core.reader, { status, ...all }).implications;
}

/**
 * Reads the name of a tag of a rule: a name as it is stored, however odd, else one that a person may add.
 *
 * @throws {AppError} `bad_request` for a name that cannot be.
 */
export function readRuleName(library: Library, text: string): string {
  const name = normalizeTagName(text);
  if (
    name !== undefined && library.core.reader.prepare("SELECT 1 FROM tags WHERE name = ?")
        .value(name) !== undefined
  ) return name;
  return checkTagName(text);
}

/**
 * Tells what an implication would do, and writes nothing.
 *
 * @throws {AppError} `bad_request` for a name that cannot be.
 */
export async function previewImplication(
  library: Library,
  wanted: ImplicationNames,
): Promise<ImplicationPreview> {
  const { reader, cache } = library.core;
  const snapshot = cache.current;
  const names = {
    source: readRuleName(library, wanted.source),
    implied: readRuleName(library, wanted.implied),
  };
  const conflicts = findImplicationConflicts(reader, names);
  const known = findImplication(reader, names) ?? null;
  if (known?.status === "active") {
    conflicts.push(`"${names.source}" implies "${names.implied}" already`);
  }
  const [sourceId, impliedId] = [names.source, names.implied].map((name) =>
    snapshot.tags.idOf(name)
  );
  const notes = toNotes(library, names, known);
  const links = impliedId === undefined
    ? [{ id: -1, name: names.implied, path: [names.implied], implies: [] }]
    : readImplicationChain(reader, { id: impliedId, name: names.implied });
  const gains = sourceId === undefined ? new Map<number, number>() : await runSteps(
    countGains(snapshot, {
      tagId: sourceId,
      chain: new Map(links.map(({ id, implies }) => [id, implies])),
      keptAway: new Map(links.map(({ id, name }) => [id, readImagesWithout(reader, name)])),
    }),
  );
  return {
    ...names,
    sourceImages: sourceId === undefined ? 0 : snapshot.countOfTag(sourceId),
    chain: links.filter(({ id }) => id !== sourceId).map(({ id, name, path }: ChainLink) => ({
      name,
      category: snapshot.tags.categoryOf(id) ?? null,
      path: [names.source, ...path],
      images: gains.get(id) ?? 0,
    })),
    conflicts,
    notes,
    known,
  };
}

function toNotes(
  { core: { reader } }: Library,
  names: ImplicationNames,
  known: Implication | null,
): string[] {
  const notes: string[] = [];
  const ids = [names.source, names.implied].map((name) => {
    const id = reader.prepare("SELECT id FROM tags WHERE name = ?").value<[number]>(name)?.[0];
    if (id === undefined) notes.push(`The library has no tag "${name}" yet`);
    return id;
  });
  if (known !== null && known.status !== "active") notes.push(`It is there as ${known.status}`);
  const [from, to] = ids;
  const path = from === undefined || to === undefined
    ? undefined
    : findImplicationPath(reader, { from, to }, { exceptDirect: true });
  if (path !== undefined) notes.push(`It follows already: ${path.join(" → ")}`);
  return notes;
}

/**
 * Adds an implication: an active one holds at once, and a task brings it to the images that there are; a
 * pending one waits to be approved.
 *
 * @throws {AppError} `bad_request` for a name that cannot be, `conflict` naming what stands against it.
 */
export async function addImplication(
  library: Library,
  wanted: ImplicationNames & { status: "active" | "pending" },
): Promise<ImplicationChange> {
  const { implication, jobId } = await library.writer.call("addImplication", {
    source: readRuleName(library, wanted.source),
    implied: readRuleName(library, wanted.implied),
    status: wanted.status,
  });
  return { implication, task: await followTagRule(library, jobId) };
}

/**
 * Lets a pending implication hold, as {@link addImplication}.
 *
 * @throws {AppError} `not_found`, `conflict`.
 */
export async function approveImplication(
  library: Library,
  ids: ImplicationIds,
): Promise<ImplicationChange> {
  const { implication, jobId } = await library.writer.call("approveImplication", ids);
  return { implication, task: await followTagRule(library, jobId) };
}

/**
 * Takes an implication back: a task takes away the tags that nothing else gives. A pending one is rejected.
 *
 * @throws {AppError} `not_found`.
 */
export async function removeImplication(
  library: Library,
  ids: ImplicationIds,
): Promise<ImplicationChange> {
  const { implication, jobId } = await library.writer.call("removeImplication", ids);
  return { implication, task: await followTagRule(library, jobId) };
}

/**
 * The implication of two names, as a person types them.
 *
 * @throws {AppError} `not_found`, `bad_request`.
 */
export function requireImplication(library: Library, names: ImplicationNames): Implication {
  const [source, implied] = [names.source, names.implied].map((name) =>
    readRuleName(library, name)
  );
  const found = findImplication(library.core.reader, { source, implied });
  if (found !== undefined) return found;
  throw new AppError("not_found", `"${source}" does not imply "${implied}"`, {
    remedy: "See the list of implications",
  });
}
