import type { Hono } from "hono";
import {
  answer,
  type DanbooruContext,
  type DanbooruEnv,
  findPosts,
  readTags,
  surroundingsOf,
} from "./context.ts";
import { toLegacyPost } from "./post_view.ts";
import { toCategoryNumber } from "./tag_view.ts";
import { listTags } from "./tags_routes.ts";

/** The addresses of Danbooru 1, which clients of that age still ask: `/post/index`, `/tag/index`. */
export function addLegacyRoutes(app: Hono<DanbooruEnv>): void {
  app.get("/post/index", async (context) => {
    const { snapshot, rows } = await findPosts(context, readTags(context.var.params));
    const around = await surroundingsOf(context, snapshot, rows);
    const posts = rows.map((row) => toLegacyPost(snapshot, row, around));
    return answer(context, posts, { root: "posts" });
  });
  app.get("/tag/index", answerTags);
}

async function answerTags(context: DanbooruContext): Promise<Response> {
  const { params } = context.var;
  const tags = await listTags(context, {
    name: params.text("name") || undefined,
    pattern: params.text("name_pattern") || undefined,
    order: params.text("order") ?? "name",
  });
  const views = tags.map(({ id, name, count, category }) => ({
    id,
    name,
    count,
    type: toCategoryNumber(category),
    ambiguous: false,
  }));
  return answer(context, views, { root: "tags" });
}
