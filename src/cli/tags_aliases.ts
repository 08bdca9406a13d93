import type { Surroundings } from "../config.ts";
import {
  addAlias,
  type Alias,
  type AliasChange,
  approveAlias,
  listAliases,
  previewAlias,
  removeAlias,
} from "../library/aliases.ts";
import type { Library } from "../library/library.ts";
import { type RuleAction, type RuleAnswer, runRuleCommand, waitForImages } from "./tag_rules.ts";

const ACTIONS: Record<string, RuleAction> = {
  list: {
    usage: "list [--pending]",
    names: 0,
    flags: ["pending"],
    reads: true,
    run: async (library, { flags }) => {
      const { aliases } = await listAliases(library, {
        status: flags.has("pending") ? "pending" : "active",
        matches: () => true,
        limit: Number.MAX_SAFE_INTEGER,
        offset: 0,
      });
      return {
        json: { aliases: aliases.map(toJson) },
        lines: aliases.length === 0 ? ["No aliases."] : aliases.map(toLine),
      };
    },
  },
  add: {
    usage: "add OLD NEW [--no-move] [--pending]",
    names: 2,
    flags: ["no-move", "pending"],
    run: (library, { names: [antecedent, consequent], flags }, signal) => {
      const status = flags.has("pending") ? "pending" : "active";
      const movesImages = !flags.has("no-move");
      const change = addAlias(library, { antecedent, consequent, status, movesImages });
      return follow(library, change, signal);
    },
  },
  approve: {
    usage: "approve OLD [--no-move]",
    names: 1,
    flags: ["no-move"],
    run: (library, { names: [antecedent], flags }, signal) =>
      follow(
        library,
        approveAlias(library, { antecedent, movesImages: !flags.has("no-move") }),
        signal,
      ),
  },
  remove: {
    usage: "remove OLD",
    names: 1,
    flags: [],
    run: async (library, { names: [antecedent] }) => {
      const alias = await removeAlias(library, antecedent);
      return {
        json: { alias: toJson(alias) },
        lines: [`${alias.antecedent} is no alias of ${alias.consequent} any more`],
      };
    },
  },
  preview: {
    usage: "preview OLD NEW [--no-move]",
    names: 2,
    flags: ["no-move"],
    reads: true,
    counts: true,
    run: (library, { names: [antecedent, consequent], flags }) => {
      const movesImages = !flags.has("no-move");
      return Promise.resolve(
        describePreview(previewAlias(library, { antecedent, consequent, movesImages })),
      );
    },
  },
};

/** Runs `tags aliases …`: 0 = done, 1 = a preview that says no, 2 = it could not. */
export function runTagsAliases(around: Surroundings): Promise<number> {
  return runRuleCommand(around, "tags aliases", ACTIONS);
}

async function follow(
  library: Library,
  change: Promise<AliasChange>,
  signal: AbortSignal,
): Promise<RuleAnswer> {
  const { alias, task } = await change;
  const { images, changed } = await waitForImages(library, task, signal);
  return {
    json: { alias: toJson(alias), images_looked_at: images, images_changed: changed },
    lines: [`${toLine(alias)}: ${alias.status}; ${changed} of ${images} images changed`],
  };
}

function describePreview(preview: ReturnType<typeof previewAlias>): RuleAnswer {
  const { antecedent, consequent, images, implications, conflicts, notes } = preview;
  return {
    code: conflicts.length > 0 ? 1 : 0,
    json: { antecedent, consequent, end: preview.end, images, implications, conflicts, notes },
    lines: [
      `${antecedent} means ${consequent}: ${images} images have ${antecedent}`,
      ...implications.map(({ source, implied }) => `  with it goes ${source} → ${implied}`),
      ...notes.map((text) => `note: ${text}`),
      ...conflicts.map((text) => `conflict: ${text}`),
    ],
  };
}

function toLine({ antecedent, consequent }: Alias): string {
  return `${antecedent} means ${consequent}`;
}

function toJson({ antecedent, consequent, status, createdAtMs }: Alias) {
  return {
    antecedent,
    consequent,
    status,
    created_at: new Date(createdAtMs).toISOString(),
  };
}
