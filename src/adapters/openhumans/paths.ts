export const PATHS = [
  '/api/direct-sharing/*',
  '/api/public/*',
  '/api/public-data',
  '/api/public-data/',
  '/data-management/datafile-download/*',
  '/direct-sharing/projects/oauth2/authorize',
  '/direct-sharing/projects/oauth2/authorize/',
  '/oauth2/token',
  '/oauth2/token/',
]
