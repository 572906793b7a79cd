/** A provider whose JWTs the Worker under test accepts, in any study. */
export const LOGIN = {
  issuer: 'https://login.example.org/',
  audience: 'carrel',
  keys: { kind: 'secret', algorithm: 'HS256', secret: 'dGVzdC1vbmx5LWxvZ2luLXNpZ25pbmcta2V5LTAwMDE' },
} as const

/** Another one, whose users can be members of one study only. */
export const CLINIC = {
  issuer: 'https://clinic.example.org/',
  audience: 'carrel',
  studies: ['clinic-study'],
  keys: { kind: 'secret', algorithm: 'HS256', secret: 'dGVzdC1vbmx5LWNsaW5pYy1zaWduaW5nLWtleS0wMDE' },
} as const

const claimRoles = {
  roles: 'https://kidsfirstdrc.org/roles',
  groups: 'https://kidsfirstdrc.org/groups',
  grantType: 'gty',
} as const

/** One that says in its tokens what its users are, in any study. */
export const REGISTRY = {
  issuer: 'https://registry.example.org/',
  audience: 'carrel',
  claimRoles,
  keys: { kind: 'secret', algorithm: 'HS256', secret: 'dGVzdC1vbmx5LXJlZ2lzdHJ5LXNpZ25pbmcta2V5LTE' },
} as const

/** Another one, which is believed of its own studies only. */
export const WARD = {
  issuer: 'https://ward.example.org/',
  audience: 'carrel',
  studies: ['ward-one', 'ward-two'],
  claimRoles,
  keys: { kind: 'secret', algorithm: 'HS256', secret: 'dGVzdC1vbmx5LXdhcmQtc2lnbmluZy1rZXktMDAwMDE' },
} as const

export type TestIssuer = typeof LOGIN | typeof CLINIC | typeof REGISTRY | typeof WARD

/** The setting that says so. */
export const JWT_ISSUERS = JSON.stringify([LOGIN, CLINIC, REGISTRY, WARD])
