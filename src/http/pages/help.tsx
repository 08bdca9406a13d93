import type { Child } from "hono/jsx";
import { METATAGS } from "../../query/metatags.ts";
import { ORDERS } from "../../query/orders.ts";
import { postsUrl } from "./format.ts";
import { Layout } from "./layout.tsx";
import type { PageStatus } from "./page_status.ts";

/** Searches with what they find, for the page of help. */
type Examples = readonly (readonly [search: string, meaning: string])[];

const WORDS: Examples = [
  ["long_hair solo", "posts that have both tags"],
  ["solo -hat", "has solo and not hat"],
  ["cat or dog", "has one of them, or both"],
  ["solo ~cat ~dog", "has solo, and one of the others"],
  ["solo (cat or dog)", "the same; groups go to any depth"],
  ["-(cat dog)", "does not have both"],
  ["*_hair", "any tag that ends so; * stands for any letters, also none"],
  ["artist:wlop", "only the artist of that name"],
  ['tag:"-_-"', "a tag that begins with an operator, or has one in it"],
  ['pool:"my pool"', "a value with spaces"],
];

const RANGES: Examples = [
  ["score:5", "exactly 5"],
  ["score:>=5", "5 or more; also >, < and <="],
  ["score:5..10", "from 5 to 10; also 5.. and ..10"],
  ["id:1,3,8..9", "any of these"],
  ["filesize:>5M", "more than 5 MB"],
  ["duration:<1m30s", "shorter than a minute and a half"],
  ["date:2024-02", "added in February 2024 (UTC)"],
  ["age:<7d", "added in the last seven days"],
  ["width:none", "the width is not known"],
];

/** Explains the language of searches, from the table that the searches themselves follow. */
export function HelpPage({ status }: { status: PageStatus }) {
  return (
    <Layout title="Search help" query="" status={status} section="help">
      <article class="help-page">
        <h1>Search help</h1>
        <p>
          A search is a list of words with spaces between them, in any case. What does not parse is
          never ignored: the answer says where, and what was probably meant.
        </p>
        <Section id="words" heading="Tags and operators">
          <ExampleList examples={WORDS} />
        </Section>
        <Section id="ranges" heading="Numbers, sizes and dates">
          <ExampleList examples={RANGES} />
        </Section>
        <Section id="metatags" heading="Metatags">
          <p>
            All of them can be left out with <code>-</code>, as in{" "}
            <Example search="-rating:explicit" />, but order, limit and the like.
          </p>
          <dl class="terms">
            {METATAGS.map(({ name, aliases, summary, example }) => (
              <div>
                <dt>
                  {[name, ...aliases].map((word) => <Name key={word} name={word} />)}
                </dt>
                <dd>
                  {summary}, as <Example search={example} />
                </dd>
              </div>
            ))}
          </dl>
        </Section>
        <Section id="orders" heading="Orders">
          <p>
            Without one the highest number comes first. Pages of <Example search="order:random" />
            {" "}
            keep the order that was drawn.
          </p>
          <dl class="terms">
            {ORDERS.map(({ name, summary }) => (
              <div>
                <dt>
                  <code>order:{name}</code>
                </dt>
                <dd>{summary}</dd>
              </div>
            ))}
          </dl>
        </Section>
      </article>
    </Layout>
  );
}

type SectionProps = { id: string; heading: string; children?: Child };

function Section({ id, heading, children }: SectionProps) {
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{heading}</h2>
      {children}
    </section>
  );
}

function ExampleList({ examples }: { examples: Examples }) {
  return (
    <dl class="terms">
      {examples.map(([search, meaning]) => (
        <div>
          <dt>
            <Example search={search} />
          </dt>
          <dd>{meaning}</dd>
        </div>
      ))}
    </dl>
  );
}

function Name({ name }: { name: string }) {
  return <code>{name}:</code>;
}

function Example({ search }: { search: string }) {
  return (
    <a href={postsUrl({ q: search })}>
      <code>{search}</code>
    </a>
  );
}
