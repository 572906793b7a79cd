import { usage } from './failures.ts'

/** A key of Carrel's, or a JWT. */
const KEY = /crl_\d+_[\w-]{16,}|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]{8,}/

/** @throws Failure for arguments with a key in them, which it does not repeat */
export function refuseSecrets(args: readonly string[]): void {
  if (!args.some((arg) => KEY.test(arg))) return
  throw usage(
    'An argument looks like a key. Arguments are seen by others on this machine and kept in the history of the shell: ' +
      'take that key back (carrel keys revoke), and give the next one to carrel login, or in CARREL_KEY.',
  )
}
