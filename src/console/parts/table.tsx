/** @jsxImportSource preact */
import type { ComponentChildren } from 'preact'

export type Column<Row> = Readonly<{
  title: string
  cell: (row: Row) => ComponentChildren
  /** Of numbers and sizes. */
  isEnd?: boolean
}>
export type TableProps<Row> = Readonly<{
  /** Of what it is a table; read out, and not shown. */
  caption: string
  columns: readonly Column<Row>[]
  rows: readonly Row[]
  keyOf: (row: Row) => string
}>

/** A table, which on a phone is a list of cards: the roles are said, since its display takes them away. */
export function Table<Row>({ caption, columns, rows, keyOf }: TableProps<Row>) {
  const [first, ...others] = columns
  return (
    <table role="table">
      <caption class="unseen">{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map(({ title, isEnd }) => (
            <th key={title} role="columnheader" scope="col" class={isEnd === true ? 'end' : undefined}>
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr key={keyOf(row)} role="row">
            {first !== undefined && (
              <th role="rowheader" scope="row">
                {first.cell(row)}
              </th>
            )}
            {others.map(({ title, cell, isEnd }) => (
              <td key={title} role="cell" data-title={title} class={isEnd === true ? 'end' : undefined}>
                {cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}
