import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

/*
 * The list of all that a release is made of, as CycloneDX 1.6 has it: https://cyclonedx.org/docs/1.6/json/
 * Everything is sorted, and nothing is of the moment at which it is made.
 */

/** Whether a part ships, ships for other systems, or is for tests and building alone. */
export type BomScope = "required" | "optional" | "excluded";

/** An npm package, and what it brings along. */
export type BomPackage = {
  name: string;
  version: string;
  /** `sha512-<base64>`; undefined: not known. */
  integrity: string | undefined;
  license: string | undefined;
  scope: BomScope;
  /** `platform` for what runs programs. */
  type: "library" | "platform";
  /** Purls of the packages that it needs. */
  needs: string[];
  /** Libraries within it by name, with their versions. */
  contains: Record<string, string>;
};

/** All that a list is made from. */
export type BomFacts = {
  name: string;
  version: string;
  license: string;
  /** Commit that the release was made from, `-dirty` behind it when there was more. */
  revision: string;
  /** What it says of its making. */
  time: Date;
  packages: BomPackage[];
  /** Purls of the packages that the program itself names. */
  direct: string[];
  /** Short names of licences that SPDX knows. */
  spdxIds: ReadonlySet<string>;
};

/** A document of CycloneDX, as far as it is written here. */
export type Bom = {
  $schema: string;
  bomFormat: "CycloneDX";
  specVersion: "1.6";
  serialNumber: string;
  version: 1;
  metadata: Record<string, unknown> & { timestamp: string; component: Component };
  components: Component[];
  dependencies: { ref: string; dependsOn: string[] }[];
};

/** One part of it. */
export type Component = {
  type: "application" | "library" | "platform";
  "bom-ref": string;
  group?: string;
  name: string;
  version: string;
  scope?: BomScope;
  hashes?: { alg: "SHA-512"; content: string }[];
  licenses?: License[];
  purl?: string;
  components?: Component[];
};

type License = { license: { id: string } | { name: string } } | { expression: string };

/** URL by which the world names a package of npm. */
export function toPurl({ name, version }: { name: string; version: string }): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

/** The list of all that a release is made of. The same facts give the same list. */
export function buildBom(facts: BomFacts): Bom {
  const packages = facts.packages.toSorted((a, b) => compareTexts(toPurl(a), toPurl(b)));
  const ref = `${facts.name}@${facts.version}`;
  const bom = {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX" as const,
    specVersion: "1.6" as const,
    serialNumber: "",
    version: 1 as const,
    metadata: {
      timestamp: `${facts.time.toISOString().slice(0, -".000Z".length)}Z`,
      lifecycles: [{ phase: "build" }],
      component: {
        type: "application" as const,
        "bom-ref": ref,
        name: facts.name,
        version: facts.version,
        licenses: [toLicense(facts.license, facts.spdxIds)],
      },
      properties: [{ name: "git:commit", value: facts.revision }],
    },
    components: packages.map((each) => toComponent(each, facts.spdxIds)),
    dependencies: [
      { ref, dependsOn: facts.direct.toSorted() },
      ...packages.map((each) => ({ ref: toPurl(each), dependsOn: each.needs.toSorted() })),
    ],
  };
  return { ...bom, serialNumber: toSerialNumber(JSON.stringify(bom)) };
}

function toComponent(each: BomPackage, spdxIds: ReadonlySet<string>): Component {
  const purl = toPurl(each);
  const [, group, name] = /^(?:(@[^/]+)\/)?(.+)$/.exec(each.name)!;
  const parts = Object.entries(each.contains).map(([part, version]): Component => ({
    type: "library",
    "bom-ref": `${purl}#${part}`,
    name: part,
    version,
    scope: each.scope,
    purl: `pkg:generic/${encodeURIComponent(part)}@${encodeURIComponent(version)}`,
  }));
  return {
    type: each.type,
    "bom-ref": purl,
    ...group === undefined ? {} : { group },
    name,
    version: each.version,
    scope: each.scope,
    ...each.integrity === undefined ? {} : { hashes: [toHash(each.integrity)] },
    ...each.license === undefined ? {} : { licenses: [toLicense(each.license, spdxIds)] },
    purl,
    ...parts.length === 0
      ? {}
      : { components: parts.toSorted((a, b) => compareTexts(a.name, b.name)) },
  };
}

function toHash(integrity: string): { alg: "SHA-512"; content: string } {
  const [, base64] = /^sha512-(.+)$/.exec(integrity) ?? [];
  if (base64 === undefined) throw new TypeError(`${integrity} is no SHA-512`);
  return { alg: "SHA-512", content: Buffer.from(base64, "base64").toString("hex") };
}

/** What packages say of their licence: a name of SPDX, an expression of such names, or any words. */
function toLicense(text: string, spdxIds: ReadonlySet<string>): License {
  if (spdxIds.has(text)) return { license: { id: text } };
  const words = text.split(/[\s()]+|\b(?:AND|OR|WITH)\b/).filter((word) => word !== "");
  const isExpression = words.length > 1 && words.every((word) => spdxIds.has(word));
  return isExpression ? { expression: text } : { license: { name: text } };
}

/** A UUID (version 8) out of the content, so that it does not differ when nothing else does. */
function toSerialNumber(content: string): string {
  const bytes = createHash("sha256").update(content).digest().subarray(0, 16);
  bytes[6] = (bytes[6] & 0x0f) | 0x80;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  const parts = [[0, 8], [8, 12], [12, 16], [16, 20], [20, 32]];
  return `urn:uuid:${parts.map(([from, to]) => hex.slice(from, to)).join("-")}`;
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
