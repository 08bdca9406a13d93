import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { exists } from "../../src/library/library_paths.ts";
import { buildLibrary } from "../support/library_builder.ts";
import { runMain } from "../support/run_main.ts";
import { withTempDir } from "../support/temp.ts";

Deno.test("tags implications and tags aliases do and show what they are told", async () => {
  await withTempDir(async (dir) => {
    await Deno.mkdir(join(dir, "data"));
    buildLibrary(join(dir, "data", "booru.db"), {
      images: [{ tags: ["cat"] }, { tags: ["cat", "x"] }],
    });
    const run = (...args: string[]) => runMain(["tags", ...args, "--library", dir]);
    const added = await run("implications", "add", "cat", "animal");
    assertEquals([added.code, added.stdout.trim()], [
      0,
      "cat → animal: holds; 2 of 2 images changed",
    ]);
    const [listed, preview, refused] = await Promise.all([
      run("implications", "list", "--json"),
      run("implications", "preview", "x", "cat", "--json"),
      run("implications", "preview", "animal", "cat"),
    ]);
    const [{ source, implied, status }] = JSON.parse(listed.stdout).implications;
    assertEquals([source, implied, status], ["cat", "animal", "active"]);
    const { source_images: images, chain, conflicts } = JSON.parse(preview.stdout);
    assertEquals([images, chain.length, conflicts], [1, 2, []]);
    assertEquals(refused.code, 1);
    assertStringIncludes(refused.stdout, "it would be a circle");
    const removed = await run("implications", "remove", "cat", "animal", "--json");
    assertEquals(JSON.parse(removed.stdout).images_changed, 2);
    const moved = await run("aliases", "add", "cat", "felis", "--json");
    assertEquals(JSON.parse(moved.stdout).images_changed, 2);
    const [pending, aliases] = await Promise.all([
      run("implications", "add", "felis", "being", "--pending"),
      run("aliases", "list"),
    ]);
    assertStringIncludes(pending.stdout, "felis → being: pending");
    assertEquals(aliases.stdout.trim(), "cat means felis");
  });
});

Deno.test("tags implications and tags aliases name what is wrong, and make no library", async () => {
  await withTempDir(async (dir) => {
    const cases: [args: string[], named: string, remedy: string][] = [
      [["implications"], "tags implications", "preview A B"],
      [["implications", "valueOf"], "valueOf", "preview A B"],
      [["implications", "add", "a"], "takes 2 names, not 1", "add A B"],
      [["implications", "list", "--no-move"], "--no-move", "--help"],
      [["aliases", "remove", "a", "--pending"], "--pending", "remove OLD"],
      [["aliases", "add", "a", "b"], "There is no library", "--library"],
      [["implications", "list"], "There is no library", "--library"],
    ];
    const answers = await Promise.all(
      cases.map(([args]) => runMain(["tags", ...args, "--library", join(dir, "none")])),
    );
    for (const [i, { code, stdout, stderr }] of answers.entries()) {
      const [args, named, remedy] = cases[i];
      assertEquals([code, stdout], [2, ""], args.join(" "));
      assert(stderr.includes(named) && stderr.includes(remedy), `${args.join(" ")}: ${stderr}`);
    }
    assert(!(await exists(join(dir, "none"))));
  });
});
