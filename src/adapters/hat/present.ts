import type { FileView } from '../../domain/file-views.ts'
import type { File, Grant } from '../../model/entities.ts'

/** What only HAT knows of a file. */
export type HatData = Readonly<{ dateCreated?: number; sourceURL?: string }>

const hatDataOf = ({ foreign }: File): HatData => foreign?.hat ?? {}

type HatStatus = { status: 'New' } | { size: number; status: 'Completed' } | { status: 'Deleted' }

const statusOf = ({ content }: File): HatStatus =>
  content.status === 'pending' ? { status: 'New' } : { size: content.version.size, status: 'Completed' }

const userIdOf = ({ principal }: Grant): string => principal.slice(principal.indexOf(':') + 1)

/** The owner first, to whom everything is readable. */
const permissionsOf = (file: File, grants: readonly Grant[]) => [
  { userId: file.owner, contentReadable: true },
  ...grants.map((grant) => ({ userId: userIdOf(grant), contentReadable: grant.level === 'content' })),
]

/** A file as HAT has it: what there is none of is left out. */
export function presentFile({ file, grants, contentUrl }: FileView, status: HatStatus = statusOf(file)) {
  const { dateCreated, sourceURL } = hatDataOf(file)
  return {
    fileId: file.handle,
    name: file.name,
    source: file.source ?? '',
    tags: file.tags.length === 0 ? undefined : file.tags,
    title: file.title ?? undefined,
    description: file.description ?? undefined,
    sourceURL,
    dateCreated: dateCreated ?? file.createdAt.getTime(),
    lastUpdated: file.updatedAt.getTime(),
    status,
    contentUrl,
    contentPublic: file.visibility === 'public',
    permissions: grants === undefined ? undefined : permissionsOf(file, grants),
  }
}
