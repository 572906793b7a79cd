/** @jsxImportSource preact */
import type { ComponentChildren } from 'preact'
import type { Listed } from './loading.ts'
import { More } from './more.tsx'
import { ProblemMessage } from './problem.tsx'
import { Table, type TableProps } from './table.tsx'

type ListTableProps<Row> = Omit<TableProps<Row>, 'rows'> &
  Readonly<{
    list: Listed<Row>
    /** What stands there where there is nothing; undefined: that needs no word. */
    empty?: ComponentChildren
  }>

/** A list as it comes, page by page: what went wrong, what there is, and more of it where there is more. */
export function ListTable<Row>({ list, empty, ...table }: ListTableProps<Row>) {
  const { items = [], failure, isLoading } = list
  const isEmpty = list.items?.length === 0 && !isLoading
  return (
    <>
      <ProblemMessage failure={failure} />
      {isEmpty && empty}
      {items.length > 0 && <Table {...table} rows={items} />}
      <More list={list} />
    </>
  )
}
