import { Argument } from '@commander-js/extra-typings'
import type { Api } from '../client/bind.ts'
import { anInteger, given } from './choices.ts'
import type { Desk, Program, Signed } from './desk.ts'
import { EXIT, Failure } from './failures.ts'
import { profileName, saveProfile } from './profiles.ts'
import { mustMean } from './questions.ts'
import { type Columns, facts } from './shown.ts'

type Key = Awaited<ReturnType<Api['keys']['get']>>
type Issued = Awaited<ReturnType<Api['keys']['issue']>>

const ROLES = ['admin', 'worker', 'staff', 'participant', 'download'] as const

const COLUMNS: Columns<Key> = {
  id: ({ id }) => id,
  role: ({ role }) => role,
  label: ({ label }) => label,
  hint: ({ hint }) => hint,
  participant: ({ participant }) => participant,
  expires: ({ expiresAt }) => expiresAt,
  revoked: ({ revokedAt }) => revokedAt,
  'last used': ({ lastUsedAt }) => lastUsedAt,
}

const factsOf = ({ id, role, label, hint, participant, member, expiresAt, revokedAt, lastUsedAt }: Key) =>
  facts({ id, role, label, hint, participant, member, expiresAt, revokedAt, lastUsedAt })

/** Keeps a new secret in a profile, where nobody sees it, or shows it this once. */
async function handOver(
  desk: Desk,
  { url, study }: Signed,
  { issued, profile }: { issued: Issued; profile?: string | undefined },
) {
  const { secret, ...key } = issued
  if (secret === null) {
    throw new Failure('The key was made, and its answer lost: revoke it, and issue another.', {
      code: 'secret_lost',
      exit: EXIT.failed,
    })
  }
  if (profile === undefined) return desk.tell(issued, `${factsOf(issued)}\nsecret       ${secret}`)
  await saveProfile(desk.terminal.env, profile, { url, study, key: secret })
  return desk.tell({ ...key, profile }, `${factsOf(issued)}\nprofile      ${profile}`)
}

function addIssue(keys: Program, desk: Desk): void {
  keys
    .command('issue')
    .description('Issue one; its secret is shown this once')
    .addArgument(new Argument('<role>').choices(ROLES))
    .argument('<label>', 'what it is for')
    .option('--participant <id>', 'whose')
    .option('--member <id>', 'of which member of the team')
    .option('--expires <instant>', 'until when it is good')
    .option('--save <profile>', 'sign in with it under this name, and show it to nobody')
    .action(async (role, label, { save, expires, ...whose }) => {
      const signed = await desk.signed()
      const asked = { role, label, ...given({ ...whose, expiresAt: expires }) }
      const issued = await signed.carrel.keys.issue(asked, desk.call)
      await handOver(desk, signed, { issued, profile: save })
    })
}

export function addKeys(program: Program, desk: Desk): void {
  const keys = program.command('keys').description('Who gets in')

  keys
    .command('ls', { isDefault: true })
    .description('List them, oldest first, revoked ones too')
    .option('--participant <id>', 'only whose')
    .option('--limit <count>', 'so many at most', anInteger)
    .action(async ({ participant, limit }) => {
      const { carrel } = await desk.signed()
      await desk.list(carrel.keys.list(given({ participant, limit: 100 }), desk.call), COLUMNS, limit)
    })

  keys
    .command('show')
    .description("Show one, or one's own, without its secret")
    .argument('[key]', 'id', 'self')
    .action(async (id) => {
      const { carrel } = await desk.signed()
      const key = await carrel.keys.get(id, desk.call)
      await desk.tell(key, factsOf(key))
    })

  addIssue(keys, desk)

  keys
    .command('rotate')
    .description("Exchange one's own for a new one, which the profile keeps")
    .option('--grace-seconds <count>', 'how long the old one goes on (default: a day)', anInteger)
    .action(async ({ graceSeconds }) => {
      const { env } = desk.terminal
      const signed = await desk.signed()
      const issued = await signed.carrel.keys.rotate('self', given({ graceSeconds }), desk.call)
      // What came by the environment is whoever's that set it.
      const profile = env['CARREL_KEY'] === signed.key ? undefined : profileName(env, desk.options.profile)
      await handOver(desk, signed, { issued, profile })
    })

  keys
    .command('revoke')
    .description("End one, or one's own; holds from the next request on")
    .argument('<key>', 'id, or self')
    .option('--yes', 'do not ask')
    .action(async (id, { yes }) => {
      const { carrel } = await desk.signed()
      const key = await carrel.keys.get(id, desk.call)
      if (yes !== true) desk.note(`${key.id}  ${key.role}  ${key.label}`)
      await mustMean(desk.terminal, 'Revoke it?', yes === true)
      const revoked = await carrel.keys.revoke(key.id, desk.call)
      await desk.tell(revoked, factsOf(revoked))
    })
}
