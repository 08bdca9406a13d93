import { Buffer } from "node:buffer";
import { isSameSecret } from "../../base/secrets.ts";
import { DanbooruError } from "./errors.ts";
import type { Params } from "./params.ts";

/** Who sends a request. */
export type Visitor = {
  /** Name under which the owner signed in; null when nobody did. */
  login: string | null;
};

/** The owner's name where no key is asked for and none is sent. */
const OWNER = "owner";

/**
 * Tells who sends a request: Basic, else `login` and `api_key` of the query or the body. Without a
 * configured key whoever reaches the server is its owner.
 *
 * @throws {DanbooruError} 401 for a wrong key or half of the credentials: never a silent anonymous.
 */
export function authenticate(
  request: { authorization: string | undefined; params: Params },
  apiKey: string | null,
): Visitor {
  const sent = readCredentials(request);
  if (apiKey === null) return { login: sent?.login || OWNER };
  if (sent === undefined) return { login: null };
  if (sent.login === "" || sent.key === "") throw missingCredentials();
  if (!isSameSecret(sent.key, apiKey)) throw refused("Invalid API key");
  return { login: sent.login };
}

/**
 * Refuses a write of somebody who is not signed in.
 *
 * @throws {DanbooruError} 403.
 */
export function checkMayWrite({ login }: Visitor): void {
  if (login === null) throw new DanbooruError(403, "User::PrivilegeError", "Access denied");
}

function readCredentials(
  { authorization, params }: { authorization: string | undefined; params: Params },
): { login: string; key: string } | undefined {
  if (authorization !== undefined && authorization !== "") return readBasic(authorization);
  const login = params.text("login") ?? "";
  const key = params.text("api_key") ?? "";
  return login === "" && key === "" ? undefined : { login, key };
}

function readBasic(header: string): { login: string; key: string } {
  const [, encoded] = /^basic\s+([a-z0-9+/_=-]*)\s*$/i.exec(header) ?? [];
  const text = encoded === undefined ? "" : decode(encoded);
  const colon = text.indexOf(":");
  return colon < 0
    ? { login: text, key: "" }
    : { login: text.slice(0, colon), key: text.slice(colon + 1) };
}

function decode(encoded: string): string {
  return new TextDecoder().decode(Uint8Array.from(Buffer.from(encoded, "base64")));
}

/** Credentials were to come, and did not, or not all of them. */
export function missingCredentials(): DanbooruError {
  return refused("Missing `login` or `api_key`");
}

function refused(message: string): DanbooruError {
  return new DanbooruError(401, "SessionLoader::AuthenticationFailure", message);
}
