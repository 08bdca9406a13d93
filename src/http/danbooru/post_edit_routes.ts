import type { Hono } from "hono";
import { editPost } from "../../library/edit_post.ts";
import { moveToTrash } from "../../library/trash.ts";
import {
  answerNothing,
  type DanbooruContext,
  type DanbooruEnv,
  pathId,
  requireOwner,
  requirePost,
  snapshotOf,
} from "./context.ts";
import { answerPost } from "./posts_routes.ts";

/** Edits of posts: an edit answers the post, a deletion moves it to the trash. */
export function addPostEditRoutes(app: Hono<DanbooruEnv>): void {
  app.on(["PUT", "PATCH"], "/posts/:id", savePost);
  app.delete("/posts/:id", async (context) => {
    requireOwner(context);
    const id = pathId(context);
    requirePost(snapshotOf(context), id);
    await moveToTrash(context.var.state.library, id);
    return answerNothing(context);
  });
}

async function savePost(context: DanbooruContext): Promise<Response> {
  requireOwner(context);
  const { params, state } = context.var;
  const id = pathId(context);
  requirePost(snapshotOf(context), id);
  // A post has one of these or none, and null says none; of everything else it says nothing.
  const orNone = (name: string) => params.isNull("post", name) ? "" : params.written("post", name);
  await editPost(state.library, {
    imageId: id,
    tagString: params.written("post", "tag_string"),
    oldTagString: params.written("post", "old_tag_string"),
    rating: params.written("post", "rating"),
    source: orNone("source"),
    parent: orNone("parent_id"),
  });
  const snapshot = snapshotOf(context);
  return await answerPost(context, snapshot, requirePost(snapshot, id));
}
