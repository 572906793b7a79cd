export const PATHS = ['/v1/apps/*', '/v2/apps/*', '/v3/*', '/v4/*', '/v5/*', '/api/v1/auth/*']
