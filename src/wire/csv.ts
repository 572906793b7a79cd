/** What a spreadsheet would take for a formula gets an apostrophe in front, which it does not show. Wide signs count too. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/

function cell(value: string | number | null | undefined): string {
  const text = String(value ?? '')
  const inert = typeof value === 'string' && FORMULA.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert
}

/** A line of a table, by RFC 4180. */
export const csvLine = (cells: readonly (string | number | null | undefined)[]): string =>
  `${cells.map(cell).join(',')}\r\n`
