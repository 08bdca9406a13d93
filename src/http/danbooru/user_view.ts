import { OWNER_ID, toTime } from "./post_view.ts";
import type { Fields } from "./render.ts";

/** Danbooru's highest level: whoever holds the key may do everything that there is. */
const OWNER_LEVEL = 60;

/** The owner as anybody may see them. */
export function toUser(name: string): Fields {
  return {
    id: OWNER_ID,
    name,
    level: OWNER_LEVEL,
    inviter_id: null,
    created_at: toTime(0),
    post_update_count: 0,
    note_update_count: 0,
    post_upload_count: 0,
    is_deleted: false,
    is_banned: false,
    level_string: "Owner",
  };
}
