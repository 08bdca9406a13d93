import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { type BomFacts, type BomPackage, buildBom, toPurl } from "../../../tools/release/bom.ts";
import { findBomFaults, readSpdxIds } from "../../../tools/release/bom_schema.ts";

const SPDX_IDS = await readSpdxIds();

function sample(name: string, more: Partial<BomPackage> = {}): BomPackage {
  return {
    name,
    version: "1.2.3",
    integrity:
      "sha512-AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==",
    license: "MIT",
    scope: "required",
    type: "library",
    needs: [],
    contains: {},
    ...more,
  };
}

/** What the integrity of a sample says, in the digits that CycloneDX asks for. */
const DIGEST = Array.from({ length: 64 }, (_, i) => i.toString(16).padStart(2, "0")).join("");

const FACTS: BomFacts = {
  name: "chibibooru",
  version: "0.1.0",
  license: "MIT",
  revision: "0123abcd",
  time: new Date("2026-11-23T04:05:06Z"),
  packages: [
    sample("zeta", { scope: "excluded", license: undefined, integrity: undefined }),
    sample("@img/libs", { contains: { "zlib-ng": "2.3.3", aom: "3.15.1" } }),
    sample("sharp", { needs: ["pkg:npm/zeta@1.2.3", "pkg:npm/%40img/libs@1.2.3"] }),
    sample("@deno/linux", { type: "platform" }),
  ],
  direct: ["pkg:npm/sharp@1.2.3", "pkg:npm/%40deno/linux@1.2.3"],
  spdxIds: SPDX_IDS,
};

Deno.test("buildBom() says what there is, where from, under which licence and what needs what", async () => {
  const { serialNumber, ...bom } = buildBom(FACTS);
  assert(
    /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(
      serialNumber,
    ),
  );
  const hashes = [{ alg: "SHA-512" as const, content: DIGEST }];
  const licenses = [{ license: { id: "MIT" } }];
  assertEquals(bom, {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      timestamp: "2026-11-23T04:05:06Z",
      lifecycles: [{ phase: "build" }],
      component: {
        type: "application",
        "bom-ref": "chibibooru@0.1.0",
        name: "chibibooru",
        version: "0.1.0",
        licenses,
      },
      properties: [{ name: "git:commit", value: "0123abcd" }],
    },
    components: [
      {
        type: "platform",
        "bom-ref": "pkg:npm/%40deno/linux@1.2.3",
        group: "@deno",
        name: "linux",
        version: "1.2.3",
        scope: "required",
        hashes,
        licenses,
        purl: "pkg:npm/%40deno/linux@1.2.3",
      },
      {
        type: "library",
        "bom-ref": "pkg:npm/%40img/libs@1.2.3",
        group: "@img",
        name: "libs",
        version: "1.2.3",
        scope: "required",
        hashes,
        licenses,
        purl: "pkg:npm/%40img/libs@1.2.3",
        components: [
          {
            type: "library",
            "bom-ref": "pkg:npm/%40img/libs@1.2.3#aom",
            name: "aom",
            version: "3.15.1",
            scope: "required",
            purl: "pkg:generic/aom@3.15.1",
          },
          {
            type: "library",
            "bom-ref": "pkg:npm/%40img/libs@1.2.3#zlib-ng",
            name: "zlib-ng",
            version: "2.3.3",
            scope: "required",
            purl: "pkg:generic/zlib-ng@2.3.3",
          },
        ],
      },
      {
        type: "library",
        "bom-ref": "pkg:npm/sharp@1.2.3",
        name: "sharp",
        version: "1.2.3",
        scope: "required",
        hashes,
        licenses,
        purl: "pkg:npm/sharp@1.2.3",
      },
      {
        type: "library",
        "bom-ref": "pkg:npm/zeta@1.2.3",
        name: "zeta",
        version: "1.2.3",
        scope: "excluded",
        purl: "pkg:npm/zeta@1.2.3",
      },
    ],
    dependencies: [
      {
        ref: "chibibooru@0.1.0",
        dependsOn: ["pkg:npm/%40deno/linux@1.2.3", "pkg:npm/sharp@1.2.3"],
      },
      { ref: "pkg:npm/%40deno/linux@1.2.3", dependsOn: [] },
      { ref: "pkg:npm/%40img/libs@1.2.3", dependsOn: [] },
      {
        ref: "pkg:npm/sharp@1.2.3",
        dependsOn: ["pkg:npm/%40img/libs@1.2.3", "pkg:npm/zeta@1.2.3"],
      },
      { ref: "pkg:npm/zeta@1.2.3", dependsOn: [] },
    ],
  });
  assertEquals(await findBomFaults(buildBom(FACTS)), []);
});

Deno.test("buildBom() of the same facts in another order has the same bytes, of others another number", () => {
  const first = JSON.stringify(buildBom(FACTS));
  const reversed = {
    ...FACTS,
    packages: FACTS.packages.toReversed(),
    direct: FACTS.direct.toReversed(),
  };
  assertEquals(JSON.stringify(buildBom(reversed)), first);
  const other = buildBom({ ...FACTS, revision: "4567" });
  assertNotEquals(other.serialNumber, JSON.parse(first).serialNumber);
});

Deno.test("buildBom() tells names of SPDX, expressions and other words apart", async () => {
  const cases: [license: string, expected: unknown][] = [
    ["BlueOak-1.0.0", { license: { id: "BlueOak-1.0.0" } }],
    ["Apache-2.0 AND LGPL-3.0-or-later", { expression: "Apache-2.0 AND LGPL-3.0-or-later" }],
    ["(MIT OR CC0-1.0)", { expression: "(MIT OR CC0-1.0)" }],
    ["SEE LICENSE IN LICENSE.md", { license: { name: "SEE LICENSE IN LICENSE.md" } }],
    ["MIT or better", { license: { name: "MIT or better" } }],
    ["(MIT)", { license: { name: "(MIT)" } }],
  ];
  for (const [license, expected] of cases) {
    const bom = buildBom({ ...FACTS, packages: [sample("x", { license })], direct: [] });
    assertEquals(bom.components[0].licenses, [expected], license);
    assertEquals(await findBomFaults(bom), [], license);
  }
});

Deno.test("buildBom() takes no integrity but SHA-512", () => {
  const packages = [sample("x", { integrity: "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=" })];
  assertThrows(() => buildBom({ ...FACTS, packages }), TypeError, "sha1");
});

Deno.test("toPurl() is the form that others use for npm", () => {
  assertEquals(toPurl({ name: "hono", version: "4.13.19" }), "pkg:npm/hono@4.13.19");
  assertEquals(toPurl({ name: "@img/colour", version: "1.1.0" }), "pkg:npm/%40img/colour@1.1.0");
});

Deno.test("findBomFaults() holds documents against the official schema", async () => {
  const bom = buildBom(FACTS);
  const [first, ...others] = bom.components;
  const changed = (more: Record<string, unknown>) => ({
    ...bom,
    components: [{ ...first, ...more }, ...others],
  });
  const cases: [document: unknown, at: string][] = [
    [{ ...bom, bomFormat: "SPDX" }, "/bomFormat"],
    [{ ...bom, serialNumber: "1" }, "/serialNumber"],
    [{ ...bom, metadata: { ...bom.metadata, timestamp: "yesterday" } }, "/metadata/timestamp"],
    [changed({ type: "librry" }), "/components/0/type"],
    [changed({ scope: "sometimes" }), "/components/0/scope"],
    [changed({ hashes: [{ alg: "SHA-512", content: "xyz" }] }), "/components/0/hashes/0/content"],
    [changed({ licenses: [{ license: { id: "MIT-ish" } }] }), "/components/0/licenses"],
    [changed({ colour: "red" }), "/components/0"],
    [changed({ name: undefined }), "/components/0"],
    [{ ...bom, components: [first, first] }, "/components"],
    [{ ...bom, dependencies: [{ dependsOn: [] }] }, "/dependencies/0"],
  ];
  for (const [document, at] of cases) {
    const faults = await findBomFaults(JSON.parse(JSON.stringify(document)));
    assert(faults.some((fault) => fault.startsWith(at)), `${at}: ${faults.join("; ")}`);
  }
});
