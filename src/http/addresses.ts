/** Names of this machine: another Host is a page elsewhere that was made to resolve to us. */
const LOCAL_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i;

/** What of a request tells by which name the server was called. */
type Called = { header(name: string): string | undefined; url: string };

/**
 * The names of the server: those of this machine, and the public addresses that it was told, under which
 * a proxy makes it known. Nothing is believed of what a proxy says of itself (`X-Forwarded-…`): whoever
 * reaches the port could say it too.
 */
export class Addresses {
  /** Origins by their host as browsers send it: in small letters, without the scheme's own port. */
  readonly #public: ReadonlyMap<string, string>;

  /** Takes origins of public addresses, as `new URL(…).origin` writes them, no two of one host. */
  constructor(publicOrigins: readonly string[]) {
    this.#public = new Map(publicOrigins.map((origin) => [new URL(origin).host, origin]));
  }

  /**
   * Scheme, host and port by which a client called the server, without a slash at the end; undefined if
   * that is none of its names.
   */
  originOf(request: Called): string | undefined {
    const host = readHost(request);
    if (LOCAL_HOST.test(host)) return `${/^https?:/.exec(request.url)?.[0]}//${host}`;
    return this.#public.get(host) ?? this.#public.get(withoutUsualPort(host));
  }

  /** Whether a page of `origin` is one that the server itself shows under the name it was called by. */
  isOwnPage(request: Called, origin: string): boolean {
    const own = this.originOf(request);
    if (own === undefined || !URL.canParse(origin)) return false;
    const { host, origin: asked } = new URL(origin);
    // A proxy on this machine may add TLS without the server having been told.
    return LOCAL_HOST.test(readHost(request)) ? host === readHost(request) : asked === own;
  }
}

/** The host that was called, in small letters. What a server makes of an odd one need be no URL. */
function readHost(request: Called): string {
  return (request.header("host") ?? new URL(request.url).host).toLowerCase();
}

/** Proxies may send the port that browsers leave out; a host is known by one scheme alone. */
function withoutUsualPort(host: string): string {
  return host.replace(/:(?:80|443)$/, "");
}
