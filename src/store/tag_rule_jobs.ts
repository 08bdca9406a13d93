import { TAG_RULE_BATCH_IMAGES } from "../base/limits.ts";
import { type Database, execute, prepared } from "./database.ts";
import { withPutOffMerges } from "./full_text_batches.ts";
import { tagRulesOf } from "./tag_rules.ts";
import { changeImageTags, changeTagsOfImages, type TagOrigin } from "./tags.ts";

/*
 * A new alias or implication is brought to the images that it concerns in batches, each a transaction of
 * its own. What is left to do is a row of the journal, written together with the rule: a program that is
 * killed in the middle leaves it behind, and the next start goes through the images again. Every step can
 * be done twice, so nothing but the row has to be remembered.
 */

/** What an alias or implication asks of images, as the journal keeps it. */
export type TagRuleJob = {
  /** Number of its row in the journal. */
  id: number;
  /** What it is for, in words. */
  label: string;
  /** A tag that becomes another one on every image. */
  move: { fromId: number; toId: number } | null;
  /** Tags whose images get what is implied by now, and lose what is not. */
  refresh: number[];
};

/** How far a job is: which of its tags, and the last link of that tag that was looked at. */
export type TagRuleCursor = { stage: number; rowid: number };

/** What one batch did. */
export type TagRuleStep = {
  /** Where to go on; null when the job is done. */
  next: TagRuleCursor | null;
  /** Images that were looked at. */
  images: number;
  /** Those among them whose tags changed. */
  changed: number;
};

const KIND = "tag_rules";

/** Writes down that images are to follow; gives the number of the job. */
export function startTagRuleJob(db: Database, job: Omit<TagRuleJob, "id">): number {
  return prepared(
    db,
    `INSERT INTO journal (kind, state, started_at_ms, steps) VALUES (?, 'running', ?, ?)
     RETURNING id`,
  ).value<[number]>(KIND, Date.now(), JSON.stringify(job))![0];
}

/** Jobs that are not done, in the order in which they were given. */
export function readTagRuleJobs(db: Database): TagRuleJob[] {
  return prepared(
    db,
    "SELECT id, steps FROM journal WHERE kind = ? AND state = 'running' ORDER BY id",
  ).values<[number, string]>(KIND).map(([id, steps]) => ({
    ...JSON.parse(steps) as Omit<TagRuleJob, "id">,
    id,
  }));
}

/** Images that a job looks at; an image with several of its tags counts for each. */
export function countTagRuleImages(db: Database, job: TagRuleJob): number {
  const count = prepared(db, "SELECT count(*) FROM image_tags WHERE tag_id = ?");
  return stagesOf(job).reduce((sum, tagId) => sum + count.value<[number]>(tagId)![0], 0);
}

/**
 * Does the next batch of a job, and those behind it until `forMs` are over; ends the job behind the last
 * one. Runs inside the caller's transaction. Cost: about 0.1 ms an image whose tags change.
 */
export function continueTagRuleJob(
  db: Database,
  { id, cursor, forMs = 0 }: { id: number; cursor: TagRuleCursor | null; forMs?: number },
): TagRuleStep {
  const endsAtMs = performance.now() + forMs;
  const total: TagRuleStep = { next: cursor, images: 0, changed: 0 };
  const job = readTagRuleJobs(db).find((one) => one.id === id);
  // Somebody else did it: a command beside the server.
  if (job === undefined) return { ...total, next: null };
  withPutOffMerges(db, () => {
    do {
      const { next, images, changed } = doBatch(db, job, total.next ?? { stage: 0, rowid: 0 });
      total.next = next;
      total.images += images;
      total.changed += changed;
    } while (total.next !== null && performance.now() < endsAtMs);
  });
  return total;
}

function doBatch(db: Database, job: TagRuleJob, { stage, rowid }: TagRuleCursor): TagRuleStep {
  const tagId = stagesOf(job)[stage];
  if (tagId === undefined) {
    endJob(db, job.id);
    return { next: null, images: 0, changed: 0 };
  }
  const links = prepared(
    db,
    `SELECT rowid, image_id, coalesce(source, 'original') FROM image_tags
     WHERE tag_id = ? AND rowid > ? AND image_id NOT NULL ORDER BY rowid LIMIT ?`,
  ).values<Link>(tagId, rowid, TAG_RULE_BATCH_IMAGES);
  const changed = job.move !== null && stage === 0
    ? moveTag(db, job.move, links)
    : refresh(db, links.map(([, imageId]) => imageId));
  const isLast = links.length < TAG_RULE_BATCH_IMAGES;
  return {
    next: isLast ? { stage: stage + 1, rowid: 0 } : { stage, rowid: links.at(-1)![0] },
    images: links.length,
    changed,
  };
}

/** An image that has the tag in question, and who says so. */
type Link = [rowid: number, imageId: number, origin: TagOrigin];

function stagesOf({ move, refresh: tagIds }: TagRuleJob): number[] {
  return [...(move === null ? [] : [move.fromId]), ...tagIds];
}

/** Implications that were taken back are gone when no image is left to be asked about them. */
function endJob(db: Database, id: number): void {
  execute(db, "DELETE FROM journal WHERE id = ?", id);
  if (readTagRuleJobs(db).length > 0) return;
  execute(db, "DELETE FROM tag_implications WHERE status = 'removing'");
}

/**
 * Brings an image that comes from elsewhere (the trash) in line with the aliases and implications of now.
 * Runs inside the caller's transaction.
 */
export function followTagRules(db: Database, imageId: number): void {
  const rules = tagRulesOf(db);
  const links = rules.hasAliases
    ? prepared(
      db,
      `SELECT name, coalesce(source, 'original') FROM image_tags
       JOIN tags ON tags.id = tag_id WHERE image_id = ?`,
    ).values<[string, TagOrigin]>(imageId)
    : [];
  for (const [name, origin] of links) {
    const end = rules.resolve(name);
    if (end === name) continue;
    const add = origin === "implication" ? [] : [{ name: end, category: null }];
    changeImageTags(db, imageId, { add, remove: [name], origin });
  }
  refresh(db, [imageId]);
}

/** Gives how many images changed. */
function refresh(db: Database, imageIds: readonly number[]): number {
  const changes = changeTagsOfImages(
    db,
    imageIds.map((imageId) => ({ imageId, add: [], remove: [], origin: "implication" })),
  );
  return changes.filter(({ implied }) => implied !== undefined).length;
}

/**
 * Gives how many images changed. An image that has both keeps the stronger word: what a person or a site
 * says, not an implication.
 */
function moveTag(
  db: Database,
  { fromId, toId }: { fromId: number; toId: number },
  links: readonly Link[],
): number {
  const name = prepared(db, "SELECT name FROM tags WHERE id = ?");
  const [from, to] = [fromId, toId].map((id) => name.value<[string]>(id)?.[0]);
  if (from === undefined || to === undefined) return 0;
  return changeTagsOfImages(
    db,
    links.map(([, imageId, origin]) => ({
      imageId,
      // What was only implied comes by the implications, which name the other tag by now.
      add: origin === "implication" ? [] : [{ name: to, category: null }],
      remove: [from],
      origin,
    })),
  ).length;
}
