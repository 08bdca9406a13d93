import { assertEquals } from "@std/assert";
import { importLibraryPart } from "../../src/store/import_library.ts";
import type { LibraryPart } from "../../src/tags/library_file.ts";
import { md5Of } from "../support/library_builder.ts";
import { withMigrated } from "../support/migrated.ts";

const NOWHERE = "f".repeat(32);

Deno.test("importLibraryPart() adds what is missing, keeps what is there, refuses what contradicts it", () =>
  withMigrated({
    tags: [{ name: "cat" }, { name: "animal" }],
    images: [{ tags: ["cat"] }, {}, {}],
    pools: [{ name: "Old Pool", images: [[2, 7]] }],
  }, (db) => {
    db.exec(
      `INSERT INTO tag_aliases VALUES ('kitty', 'cat', 'active', 1);
       INSERT INTO tag_implications (source_tag_id, implied_tag_id) VALUES (1, 2);
       INSERT INTO tag_deltas (image_md5, tag_name, operation) VALUES ('${NOWHERE}', 'mine', 'add');
       INSERT INTO library_state VALUES ('blacklisted_tags', 'mine');`,
    );
    const [first, second, third] = [1, 2, 3].map(md5Of);
    const cases: [part: LibraryPart, written: number, refused: number][] = [
      [
        {
          section: "tags",
          entries: [["cat", "meta", "e"], ["new", "meta", null], ["\u0007", null, null]],
        },
        2,
        1,
      ],
      [
        {
          section: "aliases",
          entries: [["kitty", "dog", "active", 1], ["cat", "kitty", "active", 1], [
            "a",
            "b",
            "pending",
            2,
          ]],
        },
        1,
        1,
      ],
      [{ section: "list_aliases", entries: [["a", "b", "danbooru"]] }, 1, 0],
      [
        {
          section: "implications",
          entries: [
            ["animal", null, "cat", null, "manual", 1, null, "active"],
            ["cat", null, "beast", "species", null, null, "2020-01-01", "pending"],
          ],
        },
        1,
        1,
      ],
      [
        {
          section: "pools",
          entries: [
            { name: "old_pool", description: "other", images: [[second, 1], [first, 2]] },
            { name: "new", description: null, images: [[third, 5], [first, 5]] },
            { name: "partly", description: "", images: [[NOWHERE, 1], [first, 2]] },
          ],
        },
        2,
        1,
      ],
      [
        {
          section: "relations",
          entries: [[first, second, "parent_child", "manual", "x"], [
            first,
            NOWHERE,
            "y",
            "z",
            null,
          ]],
        },
        1,
        1,
      ],
      [
        {
          section: "deltas",
          entries: [[NOWHERE, "remove", "mine", null, null], [
            NOWHERE,
            "remove",
            "other",
            "meta",
            "2020",
          ]],
        },
        1,
        0,
      ],
      [{ section: "source_choices", entries: [[NOWHERE, "e621"]] }, 1, 0],
      [
        {
          section: "settings",
          entries: [["blacklisted_tags", "theirs"], ["source_priority", "{"], [
            "source_priority",
            '["e621"]',
          ]],
        },
        1,
        1,
      ],
    ];
    for (const [part, written, refused] of cases) {
      assertEquals(importLibraryPart(db, part), { written, refused }, part.section);
    }
    for (const [part, , refused] of cases) {
      assertEquals(importLibraryPart(db, part), { written: 0, refused }, `${part.section} again`);
    }
    const rows = (sql: string) => db.prepare(sql).values<unknown[]>();
    assertEquals(rows("SELECT name, category, extended_category FROM tags ORDER BY name"), [
      ...[["animal", "general", null], ["beast", "species", null], ["cat", "general", "e"]],
      ["new", "meta", null],
    ]);
    assertEquals(rows("SELECT * FROM tag_aliases ORDER BY 1"), [["a", "b", "pending", 2], [
      "kitty",
      "cat",
      "active",
      1,
    ]]);
    assertEquals(
      rows(
        `SELECT name, description, image_id, sort_order FROM pools JOIN pool_images ON pool_id = id
         ORDER BY id, sort_order, image_id`,
      ),
      [
        ["Old Pool", null, 2, 7],
        ["Old Pool", null, 1, 8],
        ["new", null, 1, 5],
        ["new", null, 3, 5],
        ["partly", "", 1, 2],
      ],
    );
    assertEquals(rows("SELECT tag_name, operation FROM tag_deltas ORDER BY 1"), [["mine", "add"], [
      "other",
      "remove",
    ]]);
    assertEquals(rows("SELECT value FROM library_state WHERE key = 'blacklisted_tags'"), [[
      "mine",
    ]]);
    assertEquals(rows("SELECT image_id_a, image_id_b FROM image_relations"), [[1, 2]]);
  }));
