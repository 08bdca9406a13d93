/** Site → the beginning of the addresses of its posts, which their numbers end. */
const ADDRESSES: ReadonlyMap<string, string> = new Map([
  ["danbooru", "https://danbooru.donmai.us/posts/"],
  ["e621", "https://e621.net/posts/"],
  ["gelbooru", "https://gelbooru.com/index.php?page=post&s=view&id="],
  ["yandere", "https://yande.re/post/show/"],
  ["konachan", "https://konachan.com/post/show/"],
  ["safebooru", "https://safebooru.org/index.php?page=post&s=view&id="],
  ["rule34", "https://rule34.xxx/index.php?page=post&s=view&id="],
  ["pixiv", "https://www.pixiv.net/artworks/"],
]);

/** The address of a post at the site that it came from; null where the site is not known. */
export function sitePostUrl(post: { site: string; id: number }): string | null {
  const beginning = ADDRESSES.get(post.site);
  return beginning === undefined ? null : `${beginning}${post.id}`;
}
