export const TOKEN = '/identityserver/connect/token'
export const API = ['/api/v1/administration/*', '/api/v1/delegated/*']

export const PATHS = [TOKEN, ...API]
