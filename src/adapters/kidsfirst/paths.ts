export const PATHS = [
  '/download/*',
  '/signed-url/*',
  '/study/*',
  '/graphql',
  '/health_check',
  '/extract_config/*',
  '/logs/*',
]

/** Of these only what is sent there is its own: whoever looks at the root of the service sees the service. */
export const POSTS = ['/']
