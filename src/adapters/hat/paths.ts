export const PREFIXES = ['/api/v2', '/api/v2.0', '/api/v2.6']

export const PATHS = [...PREFIXES.map((prefix) => `${prefix}/*`), '/users/*', '/publickey']
