import { assertEquals } from "@std/assert";
import axe from "axe-core";
import { chromium } from "playwright-core";
import { startDescribed } from "../http/openapi_support.ts";
import { listen } from "../http/support.ts";
import { fullTierTest } from "../support/tier.ts";

const EXECUTABLE = Deno.env.get("CHROMIUM") ?? "/usr/bin/chromium";
const OPEN_ALL = "document.querySelectorAll('details').forEach((one) => { one.open = true; })";
const SIDEWAYS_PX = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
const FAULTS = `axe.run(document).then(({ passes, violations }) =>
  passes.length < 10 ? ["only " + passes.length + " rules were checked"] :
  violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => id + " " + target + " " + failureSummary)))`;

fullTierTest(
  "the page of the API is accessible with everything open, also on a small screen",
  async () => {
    await using server = await startDescribed({ adminSecret: "a secret of some length" });
    await using at = listen(server.app);
    const browser = await chromium.launch({
      executablePath: EXECUTABLE,
      args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    });
    try {
      for (const colorScheme of ["light", "dark"] as const) {
        for (const width of [1_280, 360]) {
          const viewport = { width, height: 800 };
          const context = await browser.newContext({ colorScheme, viewport, bypassCSP: true });
          const page = await context.newPage();
          await page.goto(`${at.origin}/api/docs`);
          await page.evaluate(OPEN_ALL);
          await page.addScriptTag({ content: axe.source });
          const what = `${colorScheme}, ${width} px`;
          assertEquals(await page.evaluate(FAULTS), [], what);
          assertEquals(await page.evaluate(SIDEWAYS_PX), 0, what);
          await page.goto(`${at.origin}/api/docs#schema-Task`);
          assertEquals(await page.locator("#schema-Task pre").isVisible(), true, what);
          await context.close();
        }
      }
    } finally {
      await browser.close();
    }
  },
);
