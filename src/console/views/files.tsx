/** @jsxImportSource preact */
import type { ViewProps } from '../views.ts'
import { FileView } from './file.tsx'
import { FileList } from './file-list.tsx'

/** The list at `#/files`, and one of them at `#/files/{file}`. */
export function View({ route }: ViewProps) {
  const [file] = route.names
  return file === undefined ? <FileList query={route.query} /> : <FileView key={file} id={file} />
}
