import type { Hono } from "hono";
import { answer, type DanbooruEnv, requireOwner } from "./context.ts";
import { invalid, notFound } from "./errors.ts";

/** What a person's own library has none of: empty lists, so that clients show nothing and go on. */
export const EMPTY_RESOURCES: readonly string[] = [
  ...["ai_tags", "artist_commentaries", "artist_commentary_versions", "artist_urls"],
  ...["artist_versions", "bans", "bulk_update_requests", "comment_votes", "comments", "dmails"],
  ...["favorite_groups", "forum_posts", "forum_topics", "iqdb_queries", "media_metadata"],
  ...["mod_actions", "news_updates", "note_versions", "notes", "pool_versions", "post_appeals"],
  ...["post_approvals", "post_disapprovals", "post_events", "post_flags", "post_replacements"],
  ...["post_votes", "recommended_posts", "saved_searches"],
  ...[
    "tag_versions",
    "upload_media_assets",
    "uploads",
    "user_feedbacks",
    "user_name_change_requests",
  ],
  ...["wiki_page_versions"],
];

/** The lists of what a library has none of: no member is found, and nothing can be added. */
export function addEmptyRoutes(app: Hono<DanbooruEnv>): void {
  for (const name of EMPTY_RESOURCES) {
    app.get(`/${name}`, (context) => answer(context, [], { root: name }));
    app.get(`/${name}/:id`, () => {
      throw notFound();
    });
    for (const path of [`/${name}`, `/${name}/:id`]) {
      app.on(["POST", "PUT", "PATCH", "DELETE"], path, (context) => {
        requireOwner(context);
        throw invalid(`This library keeps no ${name.replaceAll("_", " ")}`);
      });
    }
  }
}
