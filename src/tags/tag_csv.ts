import { categoryOfSiteWord, type TagCategory } from "./category.ts";
import { isRatingTagName } from "./ratings.ts";
import { normalizeTagName } from "./tag_name.ts";

/*
 * Tag lists are comma-separated values (RFC 4180), with one restriction: a row is one line. No name of a tag
 * holds a line break, and so a quote that somebody forgot to close costs its own row and not all that
 * follow.
 *
 * The first row may name the columns. Without names they are name, category, count and aliases, as
 * a1111-tagcomplete has them, or id, name, category and count, as e621 exports them.
 */

/** Which column of a list holds what; null: no column does. */
export type TagCsvColumns = {
  name: number;
  category: number;
  count: number | null;
  aliases: number | null;
};

/** A row of a list, its category as number or as what its word means. */
export type TagCsvRow = {
  name: string;
  category: number | TagCategory;
  /** Posts that have the tag at the site; null: the list does not say. */
  count: number | null;
  aliases: string[];
  /** Aliases that cannot be names of tags. */
  rejectedAliasesCount: number;
};

/** A row, or what is wrong with it. */
export type ParsedTagCsvRow = { row: TagCsvRow } | { fault: string };

const PLAIN_COLUMNS: TagCsvColumns = { name: 0, category: 1, count: 2, aliases: 3 };
const ID_COLUMNS: TagCsvColumns = { name: 1, category: 2, count: 3, aliases: null };

/** What lists call their columns. */
const COLUMN_NAMES: Readonly<Record<keyof TagCsvColumns, readonly string[]>> = {
  name: ["name", "tag", "tag_name"],
  category: ["category", "category_id", "tag_category", "type"],
  count: ["post_count", "count", "posts", "postcount"],
  aliases: ["aliases", "alias", "tag_aliases"],
};

/**
 * Splits a line at its commas; fields in quotes may hold commas, and quotes that are doubled.
 *
 * Gives what is wrong as text where a quote is not closed, or something stands behind a closed one.
 */
export function parseCsvLine(line: string): string[] | string {
  if (!line.includes('"')) return line.split(",");
  const fields: string[] = [];
  for (let start = 0;;) {
    if (line[start] === '"') {
      const end = findClosingQuote(line, start + 1);
      if (end < 0) return "a quote is not closed on its line";
      if (end + 1 < line.length && line[end + 1] !== ",") return "something follows a closed quote";
      fields.push(line.slice(start + 1, end).replaceAll('""', '"'));
      if (end + 1 === line.length) return fields;
      start = end + 2;
    } else {
      const comma = line.indexOf(",", start);
      fields.push(line.slice(start, comma < 0 ? undefined : comma));
      if (comma < 0) return fields;
      start = comma + 1;
    }
  }
}

function findClosingQuote(line: string, from: number): number {
  let end = line.indexOf('"', from);
  while (end >= 0 && line[end + 1] === '"') end = line.indexOf('"', end + 2);
  return end;
}

/** Finds the columns by the first row of a list, and whether that row only names them. */
export function readTagCsvColumns(
  fields: readonly string[],
): { columns: TagCsvColumns; isHeader: boolean } {
  const names = fields.map((field) => field.trim().toLowerCase().replace(/[\s-]+/g, "_"));
  const placeOf = (column: keyof TagCsvColumns) => {
    const place = names.findIndex((name) => COLUMN_NAMES[column].includes(name));
    return place < 0 ? null : place;
  };
  const [name, category] = [placeOf("name"), placeOf("category")];
  if (name !== null && category !== null) {
    const columns = { name, category, count: placeOf("count"), aliases: placeOf("aliases") };
    return { columns, isHeader: true };
  }
  const hasId = isNumber(fields[0]) && !isNumber(fields[1]) && isNumber(fields[2]);
  return { columns: hasId ? ID_COLUMNS : PLAIN_COLUMNS, isHeader: false };
}

function isNumber(field: string | undefined): boolean {
  return field !== undefined && /^\s*\d+\s*$/.test(field);
}

/** Reads one row. Names are normalised; what cannot be one is a fault. */
export function parseTagCsvRow(
  fields: readonly string[],
  columns: TagCsvColumns,
): ParsedTagCsvRow {
  const text = fields[columns.name] ?? "";
  const name = normalizeTagName(text);
  if (name === undefined) return { fault: `${quote(text)} cannot be the name of a tag` };
  if (isRatingTagName(name)) return { fault: `${quote(text)} is a rating and no tag` };
  const category = readCategory(fields[columns.category]);
  if (category === undefined) {
    return { fault: `${quote(name)} has no category number: ${quote(fields[columns.category])}` };
  }
  const count = columns.count === null ? null : readListCount(fields[columns.count]);
  if (count === undefined) {
    return {
      fault: `${quote(name)} has a count that is no number: ${quote(fields[columns.count!])}`,
    };
  }
  const row: TagCsvRow = { name, category, count, aliases: [], rejectedAliasesCount: 0 };
  if (columns.aliases !== null) addAliases(row, fields[columns.aliases] ?? "");
  return { row };
}

function readCategory(field: string | undefined): number | TagCategory | undefined {
  const text = (field ?? "").trim();
  return /^\d{1,3}$/.test(text) ? Number(text) : categoryOfSiteWord(text);
}

/** Undefined: it is no count. */
function readListCount(field: string | undefined): number | null | undefined {
  const text = (field ?? "").trim();
  if (text === "") return null;
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function addAliases(row: TagCsvRow, text: string): void {
  if (text === "") return;
  const names = new Set<string>();
  for (const part of text.split(",")) {
    if (part.trim() === "") continue;
    const alias = normalizeTagName(part);
    if (alias === undefined || isRatingTagName(alias)) row.rejectedAliasesCount++;
    else if (alias !== row.name) names.add(alias);
  }
  row.aliases.push(...names);
}

/** A field in a message: lists may hold megabytes of anything. */
function quote(text: string | undefined): string {
  const shown = text ?? "";
  return JSON.stringify(shown.length > 60 ? `${shown.slice(0, 60)}…` : shown);
}
