/** The text of a search does not parse: says where, and what was probably meant. */
export class QuerySyntaxError extends SyntaxError {
  /** Always "QuerySyntaxError". */
  override readonly name: string = "QuerySyntaxError";
  /** Where in the text, in UTF-16 units from 0. */
  readonly offset: number;
  /** A query that would parse, when one can be guessed. */
  readonly suggestion: string | undefined;

  /** Makes the error of a query's text. */
  constructor(message: string, options: { offset: number; suggestion?: string }) {
    super(message);
    this.offset = options.offset;
    this.suggestion = options.suggestion;
  }
}
