import { visibleText } from "./format.ts";
import { Layout } from "./layout.tsx";
import type { PageStatus } from "./page_status.ts";

/** What {@link ProblemPage} needs. */
export type ProblemProps = {
  /** HTTP status of the answer. */
  statusCode: number;
  title: string;
  detail: string;
  /** What the person can do about it. */
  remedy: string | null;
  /** Page where that can be done; none when left out. */
  link?: { href: string; text: string } | null;
  status: PageStatus;
};

/** Says what went wrong and what can be done. */
export function ProblemPage(props: ProblemProps) {
  const { statusCode, title, detail, remedy, link = null, status } = props;
  return (
    <Layout title={title} query="" status={status}>
      <section class="notice" aria-labelledby="heading">
        <p class="code" aria-hidden="true">{statusCode}</p>
        <h1 id="heading">{visibleText(title)}</h1>
        <p>{visibleText(detail)}</p>
        {remedy === null || remedy === "" ? null : <p>{visibleText(remedy)}</p>}
        {link === null ? null : (
          <p>
            <a href={link.href}>{link.text}</a>
          </p>
        )}
        <p>
          <a href="/posts">Go to all posts</a> · <a href="/help/search">Search help</a>
        </p>
      </section>
    </Layout>
  );
}
