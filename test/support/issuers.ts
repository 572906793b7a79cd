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

/** The setting that says so. */
export const JWT_ISSUERS = JSON.stringify([LOGIN, CLINIC])
