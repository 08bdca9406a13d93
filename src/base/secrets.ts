import { createHash, timingSafeEqual } from "node:crypto";

/** Whether two secrets are equal, in a time that tells nothing of where they differ, nor of their lengths. */
export function isSameSecret(left: string, right: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(left), digest(right));
}

/** What stands in a text where a secret stood. */
const HIDDEN = "***";
/** Shorter ones would be found in every text. */
const SECRET_LENGTH_MIN = 4;
/** Parameters of an address or a form whose values are nobody's business, percent signs or not. */
const PARAMETERS =
  /(?<=[?&;\s"'{,]|%3F|%26|^)(api_key|apikey|login|password|passwd|secret|token|access_token)(=|%3D)[^&\s"'\\#]*/gi;
const HEADERS =
  /\b(authorization|x-api-key)(["']?\s*[:=]\s*["']?)(?:(?:basic|bearer)\s+)?[^\s"'\\,}]+/gi;

let known: string[] = [];

/**
 * Names the secrets of this process, so that {@link hideSecrets} finds them in whatever form a text holds
 * them: as they are, in JSON, or in an address.
 */
export function setSecrets(secrets: readonly string[]): void {
  const forms = secrets.filter((secret) => secret.length >= SECRET_LENGTH_MIN).flatMap((secret) => [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    new URLSearchParams([["", secret]]).toString().slice(1),
  ]);
  // The longest first: one may be a part of another.
  known = [...new Set(forms)].sort((a, b) => b.length - a.length);
}

/** A text without secrets: the known ones, and what stands where addresses and headers carry them. */
export function hideSecrets(text: string): string {
  let hidden = text;
  for (const secret of known) hidden = hidden.replaceAll(secret, HIDDEN);
  return hidden.replace(PARAMETERS, `$1$2${HIDDEN}`).replace(HEADERS, `$1$2${HIDDEN}`);
}
