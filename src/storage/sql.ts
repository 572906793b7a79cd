// Statements are text with places for values, put together of one another. The type says what may stand in one, so that
// nothing else gets there: a column, a list or what may be undefined does not compile. It is put together as it is
// written, which a request does some hundred times.

/** What D1 takes for a parameter. */
export type Parameter = string | number | boolean | null

/** A piece of a statement, or all of it: a `?` for each value, and the values in that order. */
export class SQL {
  readonly text: string
  readonly params: readonly Parameter[]

  /** @param text only what was written here: whatever comes from outside is a parameter */
  constructor(text: string, params: readonly Parameter[]) {
    this.text = text
    this.params = params
  }
}

/** What is written between the quotes is SQL; of what is put in, other pieces are as they are, and values parameters. */
export function sql(written: TemplateStringsArray, ...given: readonly (SQL | Parameter)[]): SQL {
  let [text = ''] = written
  const params: Parameter[] = []
  for (const [i, each] of given.entries()) {
    if (each instanceof SQL) {
      text += each.text
      params.push(...each.params)
    } else {
      text += '?'
      params.push(each)
    }
    text += written[i + 1]
  }
  return new SQL(text, params)
}

/** Text as it is: the names of tables and columns, and what was put together of them. */
sql.raw = (text: string): SQL => new SQL(text, [])

sql.join = (pieces: readonly SQL[], separator: string): SQL =>
  new SQL(
    pieces.map(({ text }) => text).join(separator),
    pieces.flatMap(({ params }) => params),
  )
