import Danbooru from "danbooru";

// Run by clients_test.ts in a process of its own: what the npm package "danbooru" makes of a server.

const [address, credentials] = Deno.args;
const booru = new Danbooru(address);
booru.auth(credentials);
const stranger = new Danbooru(address);
stranger.auth("me:wrong");

/** What of an answer is compared: symbols of the package say how it went. */
function told(data) {
  return { status: data[Danbooru.status], data };
}

const found = await booru.posts({ tags: "solo order:id", limit: 3, page: 1 });
const shown = await booru.posts(2);
const edited = await booru.put("posts/2", {
  post: { tag_string: "new_tag solo", old_tag_string: "solo hat", rating: "s" },
});
const favourite = await booru.post("favorites", { post_id: 2 });
const favourites = await booru.posts({ tags: "fav:me" });
const missing = await booru.posts(999);
const refused = await booru.posts({ tags: "(" });
const denied = await stranger.posts({ tags: "solo" });
const deniedEdit = await stranger.put("posts/2", { post: { tag_string: "broken" } });
const removed = await booru.delete("favorites/2");
const after = await booru.posts(2);
const file = booru.url(found[0].file_url).href;
console.log(JSON.stringify({
  found: found.map(({ id }) => id),
  foundStatus: found[Danbooru.status],
  shown: told(shown),
  edited: told(edited),
  favourite: told(favourite),
  favourites: favourites.map(({ id }) => id),
  missing: told(missing),
  refused: told(refused),
  removed: told(removed),
  afterRemoved: [after[Danbooru.status], after.id],
  denied: [denied[Danbooru.status], deniedEdit[Danbooru.status]],
  file,
}));
