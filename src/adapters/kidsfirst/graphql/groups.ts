import type { Role } from '../../../model/principal.ts'
import { type Connection, connectionOf } from './connections.ts'
import { globalIdOf } from './global-ids.ts'

// What the roles are to Kids First's own web app, which shows and hides its buttons by the names of permissions. It is
// told here and decided nowhere by it.

export type Group = Readonly<{ name: string; permissions: readonly string[] }>

const READS = ['view_study', 'view_file', 'view_version']
const READS_OWN = ['view_my_study', 'view_my_file', 'view_my_version']

const GROUPS: Readonly<Partial<Record<Role, Group>>> = {
  admin: {
    name: 'Administrators',
    permissions: [
      ...READS,
      'list_all_file',
      'list_all_version',
      'add_file',
      'change_file',
      'delete_file',
      'add_version',
      'change_version_meta',
      'change_version_status',
      'add_downloadtoken',
      'view_downloadtoken',
      'delete_downloadtoken',
    ],
  },
  staff: {
    name: 'Investigators',
    permissions: [
      ...READS_OWN,
      'add_my_study_file',
      'change_my_study_file',
      'add_my_study_version',
      'change_my_version_meta',
      'add_downloadtoken',
    ],
  },
  worker: { name: 'Services', permissions: [...READS, 'add_file'] },
}

/** The groups of a role: one, or none where upstream has none like it. */
export const groupOf = (role: Role | undefined): readonly Group[] => {
  const group = role === undefined ? undefined : GROUPS[role]
  return group === undefined ? [] : [group]
}

/** All there are: these lists are short, and told whole. */
const whole = <Item>(items: readonly Item[]): Connection<Item> =>
  connectionOf(items.map((node, index) => ({ node, cursor: () => String(index) })))

export const groupsOf = (groups: readonly Group[]) => whole(groups)

export const groupFields = {
  id: ({ name }: Group) => globalIdOf('GroupNode', name),
  name: ({ name }: Group) => name,
  permissions: ({ permissions }: Group) => whole(permissions),
}

export const permissionFields = {
  id: (codename: string) => globalIdOf('PermissionNode', codename),
  name: (codename: string) => codename,
  codename: (codename: string) => codename,
}
