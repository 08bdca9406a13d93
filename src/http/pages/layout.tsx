import { html } from "hono/html";
import type { Child } from "hono/jsx";
import { PAGE_SIZE_DEFAULT } from "../../base/limits.ts";
import { formatCount, formatCounted, visibleText } from "./format.ts";
import type { PageStatus } from "./page_status.ts";

/** What {@link Layout} needs. */
export type LayoutProps = {
  title: string;
  /** Text of the search box. */
  query: string;
  status: PageStatus;
  children?: Child;
  /** Part of the site that the navigation marks as the current one. */
  section?: "posts" | "tags" | "library" | "help";
  /** Page size of the address, which a search from here keeps. */
  limit?: number | null;
  /** Whether wide screens start with the cursor in the search box. */
  focusesSearch?: boolean;
  /** Whether browsers without scripts are to load the page anew every two seconds. */
  refreshes?: boolean;
};

/** Clients look for these words on the first page to know how to speak to the server. */
const API_MARK = "ChibiBooru (API: Running Danbooru v2)";

/** The frame of every page: head, search, navigation, content, and the size of the library. */
export function Layout(props: LayoutProps) {
  const { title, query, status, children } = props;
  const version = encodeURIComponent(status.version.toWellFormed());
  return html`<!DOCTYPE html>${(
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="same-origin" />
        <meta name="generator" content={API_MARK} />
        <title>{`${visibleText(title)} · ChibiBooru`}</title>
        <link rel="icon" type="image/svg+xml" href={`/assets/icon.svg?v=${version}`} />
        <link rel="stylesheet" href={`/assets/style.css?v=${version}`} />
        <script type="module" src={`/assets/app.js?v=${version}`}></script>
        {status.loading || props.refreshes === true ? <RefreshWithoutScript /> : null}
      </head>
      <body>
        <a class="skip" href="#content">Skip to the content</a>
        <Header {...props} query={query} version={version} />
        {status.loading ? <LoadingBanner progress={status.progress} /> : null}
        {status.fault ? <FaultBanner fault={status.fault} /> : null}
        <main id="content" tabindex={-1}>{children}</main>
        <Footer status={status} />
      </body>
    </html>
  )}`;
}

/** Scripts ask for the progress themselves and then do not take a page away from under its reader. */
function RefreshWithoutScript() {
  return (
    <noscript>
      <meta http-equiv="refresh" content="2" />
    </noscript>
  );
}

function Header(props: LayoutProps & { version: string }) {
  const { query, section, limit = null } = props;
  return (
    <header class="top">
      <a class="brand" href="/posts">
        <img src={`/assets/icon.svg?v=${props.version}`} alt="" width={28} height={28} />
        <span>ChibiBooru</span>
      </a>
      <form class="search" action="/posts" method="get" role="search">
        <label class="unseen" for="q">Search by tags</label>
        <input
          id="q"
          name="q"
          type="search"
          value={query}
          placeholder="Search by tags"
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          enterkeyhint="search"
          data-focus={props.focusesSearch === true ? "wide" : null}
        />
        {limit === null || limit === PAGE_SIZE_DEFAULT
          ? null
          : <input type="hidden" name="limit" value={limit} />}
        <button type="submit">Search</button>
      </form>
      <nav aria-label="Main">
        <NavLink href="/posts" name="Posts" isCurrent={section === "posts"} />
        <NavLink href="/tags" name="Tags" isCurrent={section === "tags"} />
        <NavLink href="/library" name="Library" isCurrent={section === "library"} />
        <NavLink href="/help/search" name="Help" isCurrent={section === "help"} />
      </nav>
    </header>
  );
}

function NavLink({ href, name, isCurrent }: { href: string; name: string; isCurrent: boolean }) {
  return <a href={href} aria-current={isCurrent ? "true" : null}>{name}</a>;
}

function LoadingBanner({ progress }: { progress: PageStatus["progress"] }) {
  return (
    <section class="loading" aria-label="Loading" data-loading>
      <p id="loading-text">
        {progress === null ? "Loading the library…" : toProgressText(progress)}
      </p>
      {progress === null ? <progress aria-labelledby="loading-text"></progress> : (
        <progress
          aria-labelledby="loading-text"
          value={progress.done}
          max={Math.max(1, progress.total)}
        >
        </progress>
      )}
    </section>
  );
}

function FaultBanner({ fault }: { fault: string }) {
  return (
    <section class="message bad" role="alert" aria-label="Problem">
      <p>The library could not be loaded: {visibleText(fault)}</p>
      <p>What is shown may be old. See the server's log.</p>
    </section>
  );
}

function toProgressText({ done, total }: { done: number; total: number }): string {
  return `Loading the library: ${formatCount(done)} of ${formatCounted(total, "image")}…`;
}

function Footer({ status }: { status: PageStatus }) {
  return (
    <footer class="bottom">
      <p>
        {formatCounted(status.images, "post")} · {formatCounted(status.tags, "tag")}
      </p>
      <p>ChibiBooru {visibleText(status.version)}</p>
    </footer>
  );
}
