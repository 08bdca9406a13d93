import { Ajv, type ValidateFunction } from "ajv";
import formatsModule from "ajv-formats";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The official schemas come with a library of CycloneDX, of which nothing else is used. */
const FOLDER = fileURLToPath(
  new URL("../../node_modules/@cyclonedx/cyclonedx-library/res/schema/", import.meta.url),
);
const SCHEMA = "bom-1.6.SNAPSHOT.schema.json";
const REFERRED = ["spdx.SNAPSHOT.schema.json", "jsf-0.82.SNAPSHOT.schema.json"];

/** Where the schemas say that they are; nothing is fetched from there. */
const BASE = "http://cyclonedx.org/schema/";

type Schema = Record<string, unknown>;

/** It takes a fifth of a second to compile, so that is done once. */
let compiled: Promise<ValidateFunction> | undefined;

/** Everything in which a document differs from the official schema of CycloneDX 1.6; empty when nothing does. */
export async function findBomFaults(document: unknown): Promise<string[]> {
  compiled ??= compileSchema();
  const validate = await compiled;
  if (validate(document)) return [];
  return validate.errors!.map(({ instancePath, message, params }) =>
    `${instancePath || "/"} ${message} ${JSON.stringify(params)}`
  );
}

async function compileSchema(): Promise<ValidateFunction> {
  const ajv = new Ajv({ strict: false, allErrors: true });
  formatsModule.default(ajv);
  // ajv-formats has none for the formats of addresses in all scripts.
  ajv.addFormat("iri-reference", (text: string) => URL.canParse(text, "http://example.org/"));
  ajv.addFormat("idn-email", /^[^@\s]+@[^@\s]+$/);
  for (const name of REFERRED) ajv.addSchema(await readSchema(name), `${BASE}${name}`);
  return ajv.compile(await readSchema(SCHEMA));
}

/** Short names of all licences that the schema knows. */
export async function readSpdxIds(): Promise<Set<string>> {
  const { enum: ids } = await readSchema("spdx.SNAPSHOT.schema.json");
  return new Set(ids as string[]);
}

async function readSchema(name: string): Promise<Schema> {
  return JSON.parse(await Deno.readTextFile(join(FOLDER, name)));
}
