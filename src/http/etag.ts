/**
 * Whether a list of validators (If-None-Match, If-Match) has this one, or is `*`. Compression on the way
 * makes a validator weak (`W/"…"`), so strong and weak ones are not told apart.
 */
export function matchesETag(header: string | null | undefined, etag: string): boolean {
  if (header === null || header === undefined) return false;
  return header.split(",").some((one) => {
    const value = one.trim().replace(/^W\//, "");
    return value === "*" || value === etag;
  });
}
