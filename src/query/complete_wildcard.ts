import { AppError } from "../base/errors.ts";
import { QuerySyntaxError } from "../base/query_syntax_error.ts";
import type { ImageSnapshot } from "../cache/image_snapshot.ts";
import type { Query } from "./ast.ts";
import { splitOperators, type WordCompletion } from "./complete_word.ts";
import { parseQuery } from "./parser.ts";
import { search } from "./search.ts";

/** So long is looked how many images a wildcard finds, while somebody types it. */
const DEADLINE_MS = 50;

/**
 * A typed wildcard as it is, with the number of images that it finds; nothing for another word, where it
 * finds none, and where counting takes too long. Cost: that of the search, at most 50 ms.
 */
export async function completeWildcard(
  snapshot: ImageSnapshot,
  typed: string,
): Promise<WordCompletion[]> {
  const { operators, word } = splitOperators(typed.trim());
  const query = word.includes("*") ? parseWildcard(word) : undefined;
  if (query?.root.kind !== "wildcard") return [];
  const count = await countWithin(snapshot, query);
  if (count === 0) return [];
  return [{
    kind: "wildcard",
    name: word,
    operators,
    value: word,
    category: query.root.category,
    count,
    countInContext: null,
    match: "prefix",
    antecedent: null,
    summary: null,
    example: null,
  }];
}

function parseWildcard(word: string): Query | undefined {
  try {
    return parseQuery(word);
  } catch (error) {
    if (error instanceof QuerySyntaxError) return undefined;
    throw error;
  }
}

/** 0 when it takes too long. */
async function countWithin(snapshot: ImageSnapshot, query: Query): Promise<number> {
  try {
    return (await search(snapshot, query, { deadlineMs: DEADLINE_MS })).total;
  } catch (error) {
    if (error instanceof AppError && error.code === "timeout") return 0;
    throw error;
  }
}
