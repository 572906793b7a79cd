/** Given to every Worker under test, so that a fresh clone needs no `.dev.vars`, and one that has it changes nothing. */
export const SECRETS = {
  OPERATOR_KEY: 'op_only-for-tests-0123456789abcdefghijklmnop',
  TOKEN_KEYS: '1:dGVzdC1vbmx5LXRva2VuLXNpZ25pbmcta2V5LTAwMDE',
  S3_ACCESS_KEY_ID: 'local',
  S3_SECRET_ACCESS_KEY: 'local-only-not-a-secret',
}
