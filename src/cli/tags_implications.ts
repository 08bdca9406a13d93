import type { Surroundings } from "../config.ts";
import {
  addImplication,
  approveImplication,
  type Implication,
  type ImplicationChange,
  listImplications,
  previewImplication,
  removeImplication,
  requireImplication,
} from "../library/implications.ts";
import type { Library } from "../library/library.ts";
import {
  type RuleAction,
  type RuleAnswer,
  type RuleConfig,
  runRuleCommand,
  waitForImages,
} from "./tag_rules.ts";

const ACTIONS: Record<string, RuleAction> = {
  list: {
    usage: "list [--pending]",
    names: 0,
    flags: ["pending"],
    reads: true,
    run: (library, { flags }) => {
      const found = listImplications(library, flags.has("pending") ? "pending" : undefined);
      return Promise.resolve({
        json: { implications: found.map(toJson) },
        lines: found.length === 0
          ? ["No implications."]
          : found.map((one) =>
            `${toLine(one)}${one.status === "active" ? "" : ` (${one.status})`}`
          ),
      });
    },
  },
  add: {
    usage: "add A B [--pending]",
    names: 2,
    flags: ["pending"],
    run: (library, { names: [source, implied], flags }, signal) => {
      const status = flags.has("pending") ? "pending" : "active";
      return follow(library, addImplication(library, { source, implied, status }), signal);
    },
  },
  approve: {
    usage: "approve A B",
    names: 2,
    flags: [],
    run: (library, config, signal) =>
      follow(library, approveImplication(library, find(library, config)), signal),
  },
  remove: {
    usage: "remove A B",
    names: 2,
    flags: [],
    run: (library, config, signal) =>
      follow(library, removeImplication(library, find(library, config)), signal),
  },
  preview: {
    usage: "preview A B",
    names: 2,
    flags: [],
    reads: true,
    counts: true,
    run: async (library, { names: [source, implied] }) =>
      describePreview(await previewImplication(library, { source, implied })),
  },
};

/** Runs `tags implications …`: 0 = done, 1 = a preview that says no, 2 = it could not. */
export function runTagsImplications(around: Surroundings): Promise<number> {
  return runRuleCommand(around, "tags implications", { ...ACTIONS, reject: REJECT });
}

/** A proposal that is taken back is rejected. */
const REJECT: RuleAction = { ...ACTIONS.remove, usage: "reject A B" };

function find(library: Library, { names: [source, implied] }: RuleConfig): Implication {
  return requireImplication(library, { source, implied });
}

async function follow(
  library: Library,
  change: Promise<ImplicationChange>,
  signal: AbortSignal,
): Promise<RuleAnswer> {
  const { implication, task } = await change;
  const { images, changed } = await waitForImages(library, task, signal);
  const holds = implication.status === "active" ? "holds" : null;
  const state = holds ?? (implication.status === "removing" ? "holds no more" : implication.status);
  return {
    json: { implication: toJson(implication), images_looked_at: images, images_changed: changed },
    lines: [`${toLine(implication)}: ${state}; ${changed} of ${images} images changed`],
  };
}

function describePreview(preview: Awaited<ReturnType<typeof previewImplication>>): RuleAnswer {
  const { source, implied, sourceImages, chain, conflicts, notes } = preview;
  return {
    code: conflicts.length > 0 ? 1 : 0,
    json: {
      source,
      implied,
      source_images: sourceImages,
      chain: chain.map(({ name, category, path, images }) => ({ name, category, path, images })),
      conflicts,
      notes,
    },
    lines: [
      `${source} → ${implied}: ${sourceImages} images have ${source}`,
      ...chain.map(({ path, images }) => `  ${images} would get ${path.join(" → ")}`),
      ...notes.map((text) => `note: ${text}`),
      ...conflicts.map((text) => `conflict: ${text}`),
    ],
  };
}

function toLine({ source, implied }: Implication): string {
  return `${source} → ${implied}`;
}

function toJson({ source, implied, status, inferenceType, confidence, createdAt }: Implication) {
  return {
    source,
    implied,
    status,
    inference_type: inferenceType,
    confidence,
    created_at: createdAt,
  };
}
