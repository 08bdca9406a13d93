import { forSite, sites } from "booru";

// Run by clients_test.ts in a process of its own: what the npm package "booru" makes of a server.

const [host, login, api_key] = Deno.args;
sites[host] = {
  domain: host,
  aliases: ["own"],
  nsfw: false,
  insecure: true,
  api: {
    search: "/posts.json?",
    postView: "/posts/",
    tagList: "/tags.json?",
    postCount: "/counts/posts.json?",
  },
  random: true,
  postCountType: "json",
  tagQuery: "tags",
  paginate: "page",
  tagJoin: "+",
};
const booru = forSite(host, { login, api_key });
// The package begins to count its pages at 0.
const found = await booru.search(["solo"], { limit: 10 });
const safe = await booru.search(["rating:s"], { limit: 10 });
const random = await booru.search(["solo"], { limit: 1, random: true });
const second = await booru.search([], { limit: 2, page: 2 });
const count = await booru.getPostCount(["solo"]);
const tags = await booru.tagList({ limit: 3 });
const fault = await booru.search(["("]).then(() => "none", (error) => error.message);
const file = await fetch(found[0].fileUrl);
/** Plain: an empty list of the package does not map to an empty list. */
function idsOf(posts) {
  return Array.from(posts, ({ id }) => id);
}
console.log(JSON.stringify({
  found: found.map((post) => ({
    id: post.id,
    tags: post.tags,
    rating: post.rating,
    available: post.available,
    fileUrl: post.fileUrl,
    previewUrl: post.previewUrl,
    width: post.width,
    createdAt: post.createdAt,
  })),
  safe: idsOf(safe),
  random: random.length,
  second: idsOf(second),
  count,
  tags: tags.map(({ name, count }) => ({ name, count })),
  fault,
  view: booru.postView(found[0].id),
  fileBytes: (await file.arrayBuffer()).byteLength,
}));
