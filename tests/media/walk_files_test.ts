import { assertEquals } from "@std/assert";
import { walkAllFiles, walkedFilesBuffers, walkFiles } from "../../src/media/walk_files.ts";
import { bytesOf, put } from "../support/copies.ts";
import { withTempDir } from "../support/temp.ts";

Deno.test("walkFiles() finds files with what tells them apart, and leaves out what is none", async () => {
  await withTempDir(async (temp) => {
    const dir = await Deno.realPath(temp);
    const names = ["b.png", "a/x.png", "a/y", "a/deep/er/z.jpg", "empty"];
    for (const name of names) await put(dir, name, bytesOf(1, name === "empty" ? 0 : 40));
    await Deno.link(`${dir}/b.png`, `${dir}/a/linked.png`);
    for (
      const name of ["a/x.png.json", "c.TXT", "d.part", ".hidden", ".folder/x.png", "out/o.png"]
    ) {
      await put(dir, name, bytesOf(1, 40));
    }
    await Deno.symlink(`${dir}/b.png`, `${dir}/link.png`);
    await Deno.symlink(`${dir}/a`, `${dir}/link`);
    const walked = walkAllFiles({ folder: dir, exclude: [`${dir}/out`] });
    assertEquals(walked.names.toSorted(), [...names, "a/linked.png"].sort());
    assertEquals(walked.unwalked, []);
    for (const [i, name] of walked.names.entries()) {
      const info = await Deno.lstat(`${dir}/${name}`);
      assertEquals(
        [walked.sizes[i], walked.mtimesMs[i], walked.inodes[i], walked.devices[i]],
        [info.size, info.mtime!.getTime(), info.ino!, info.dev],
        name,
      );
      assertEquals(walked.linkCounts[i], name.startsWith("b") || name.includes("linked") ? 2 : 1);
    }
    assertEquals(walkedFilesBuffers(walked).length, 5);
    const gone = walkAllFiles({ folder: `${dir}/none`, exclude: [] });
    assertEquals(gone.names, []);
    assertEquals(gone.unwalked.map(({ path, code }) => [path, code]), [
      [`${dir}/none`, "vanished"],
    ]);
  });
});

Deno.test("walkFiles() pauses now and then, and tells of names that cannot be opened", async () => {
  await withTempDir(async (dir) => {
    for (let i = 0; i < 4_100; i++) Deno.writeTextFileSync(`${dir}/${i}`, "");
    const steps = walkFiles({ folder: dir, exclude: [] });
    let pauses = 0;
    for (let step = steps.next(); !step.done; step = steps.next()) pauses++;
    assertEquals(pauses, 1);
    const made = await new Deno.Command("sh", {
      args: ["-c", `mkdir "$1/n" && : > "$1/n/$(printf 'bad\\377.png')"`, "sh", dir],
    }).output();
    assertEquals(made.success, true);
    const { names, unwalked } = walkAllFiles({ folder: `${dir}/n`, exclude: [] });
    assertEquals([names, unwalked.map(({ code }) => code)], [[], ["name_not_utf8"]]);
  });
});
