import type { ComponentType } from 'preact'
import type { Route } from './route.ts'
import type { Role } from './session.ts'

export type ViewProps = Readonly<{ route: Route }>

/** A view: one module of `views/`, loaded when it is first opened, whose component is given where one is. */
export type View = Readonly<{
  /** The first name in the address: `#/files`. */
  name: string
  /** In the navigation, and the title of the window. */
  label: string
  roles: readonly Role[]
  load: () => Promise<Readonly<{ View: ComponentType<ViewProps> }>>
}>

const EVERYONE: readonly Role[] = ['participant', 'team', 'admin']

/** In the order of the navigation; the first is where one comes by signing in. */
export const VIEWS: readonly View[] = [
  { name: 'files', label: 'Files', roles: EVERYONE, load: async () => import('./views/files.tsx') },
  { name: 'uploads', label: 'Uploads', roles: EVERYONE, load: async () => import('./views/uploads.tsx') },
  { name: 'documents', label: 'Documents', roles: EVERYONE, load: async () => import('./views/documents.tsx') },
  { name: 'reports', label: 'Reports', roles: EVERYONE, load: async () => import('./views/reports.tsx') },
  {
    name: 'participants',
    label: 'Participants',
    roles: ['team', 'admin'],
    load: async () => import('./views/participants.tsx'),
  },
  { name: 'me', label: 'My data', roles: ['participant'], load: async () => import('./views/me.tsx') },
  { name: 'keys', label: 'Keys', roles: ['admin'], load: async () => import('./views/keys.tsx') },
  { name: 'audit', label: 'Audit', roles: ['participant', 'admin'], load: async () => import('./views/audit.tsx') },
]
