import { askedWrongly } from './errors.ts'

// Relay's ids: the type and the id by which it is known else, so that any node can be asked for again by one text.

export type NodeType =
  | 'FileNode'
  | 'VersionNode'
  | 'StudyNode'
  | 'DevDownloadTokenNode'
  | 'UserNode'
  | 'GroupNode'
  | 'PermissionNode'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export const globalIdOf = (type: NodeType, id: string): string =>
  btoa(String.fromCharCode(...new TextEncoder().encode(`${type}:${id}`)))

/** What an id stands for; undefined for any text that is none. */
export function readGlobalId(text: string): Readonly<{ type: string; id: string }> | undefined {
  try {
    const told = utf8.decode(Uint8Array.from(atob(text), (char) => char.charCodeAt(0)))
    const colon = told.indexOf(':')
    return colon === -1 ? undefined : { type: told.slice(0, colon), id: told.slice(colon + 1) }
  } catch {
    // No base64, or no text in it.
    return undefined
  }
}

/** The id by which a node of this type is known else. @throws Refused for the id of another type */
export function idWithin(globalId: string, type: NodeType): string | undefined {
  const read = readGlobalId(globalId)
  if (read !== undefined && read.type !== type) throw askedWrongly(`Must receive a ${type} id.`)
  return read?.id
}
