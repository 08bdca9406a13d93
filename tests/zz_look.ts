import { startServer, listen } from "./http/support.ts";
import { chromium } from "playwright-core";
import { Validator } from "@seriousme/openapi-schema-validator";
await using server = await startServer({ adminSecret: Deno.args[0] ?? null, tags:[{name:"a"}], pictures:[{tags:["a"]}] });
const r = await server.request("/api/openapi.json");
const doc = await r.json();
await Deno.writeTextFile("/tmp/h/openapi.json", JSON.stringify(doc, null, 1));
console.log(r.status, JSON.stringify(doc).length);
const v = new Validator();
console.log(await v.validate(structuredClone(doc)));
await using at = listen(server.app);
const b = await chromium.launch({ executablePath: "/usr/bin/chromium", args:["--no-sandbox","--disable-gpu"]});
for (const [name, width, scheme] of [["light",1200,"light"],["dark",1200,"dark"],["small",360,"light"]] as const) {
  const c = await b.newContext({ viewport:{width, height: 1400}, colorScheme: scheme, javaScriptEnabled: false });
  const p = await c.newPage();
  await p.goto(at.origin + "/api/docs");
  await p.screenshot({ path: `/tmp/h/docs_${name}.png` });
  for (const id of ["getImages","putImagesTagsById","getHistory"]) {
    await p.locator(`#${id} summary`).click();
  }
  await p.locator(`#schema-Image summary`).click();
  await p.locator(`#${name === "dark" ? "schema-Image" : name === "small" ? "putImagesTagsById":"getImages"}`).scrollIntoViewIfNeeded();
  console.log(name, await p.evaluate?.("document.documentElement.scrollWidth - document.documentElement.clientWidth").catch(String));
  await p.screenshot({ path: `/tmp/h/docs_${name}2.png`, fullPage: false });
}
await b.close();
