// MyDataHelps' tokens that act for a participant: who is given them, for whom, and what they open.

import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { anonymous, as } from '../support/client.ts'
import {
  aKeyPair,
  asking,
  aServiceAccount,
  clientCredentials,
  delegatedParticipant,
  signed,
} from '../support/mydatahelps.ts'
import { OWN, projectOf } from '../support/mydatahelps-files.ts'
import { aParticipant, aStudy, ok, type Participant, type Study } from '../support/world.ts'

const ask = asking(anonymous)
const tokenOf = async (form: Record<string, string | undefined>) => ok(await ask(form)).access_token as string

let study: Study
let participant: Participant
beforeAll(async () => {
  study = await aStudy()
  participant = await aParticipant(study)
})

describe('a token that acts for a participant', () => {
  test.each(['MyDataHelps.DelegatedParticipant', 'RKStudio.DelegatedParticipant'])(
    'is given to %s',
    async (client_id) => {
      const form = { ...delegatedParticipant(study.worker.key ?? '', participant.id), client_id }
      const { status, body } = await ask(form)
      expect([status, body]).toEqual([
        200,
        { access_token: expect.stringMatching(/^crs_/), expires_in: 3_600, token_type: 'Bearer', scope: 'api' },
      ])
      ok(await as(body.access_token).get(OWN))
      expect((await as(body.access_token).get(`${projectOf(study)}/files`)).status).toBe(403)
    },
  )

  test('is given for a key of a worker or an admin too', async () => {
    for (const { key = '' } of [study.worker, study.admin]) {
      ok(await as(await tokenOf(delegatedParticipant(key, participant.id))).get(OWN))
    }
  })

  test('is not given where another study, which took up the account’s public key, has a participant of the id', async () => {
    const [other, keys, name] = [await aStudy(), await aKeyPair(), 'MyDataHelps.8.taken-up']
    await aServiceAccount(study, name, keys)
    await aServiceAccount(other, name, keys)
    await aParticipant(other, { id: participant.id })
    const token = await tokenOf(clientCredentials(await signed(keys, name)))
    const { status, body } = await ask(delegatedParticipant(token, participant.id))
    expect([status, body.error]).toEqual([400, 'invalid_request'])
    expect(body.error_description).toContain('Several studies')
    // What names the study, too, goes on.
    ok(await as(await tokenOf(delegatedParticipant(study.worker.key ?? '', participant.id))).get(OWN))
  })

  const SCOPES: [asked: string | undefined, given: string, writes: boolean][] = [
    [undefined, 'api', true],
    ['api', 'api', true],
    ['Participant:read api', 'api', true],
    ['Files:read', 'Files:read', false],
    ['Participant:read UploadedFiles:read', 'UploadedFiles:read', false],
    ['files:read FILES:WRITE', 'files:read FILES:WRITE', true],
    ['File:*', 'File:*', true],
  ]
  test.each(SCOPES)('asked for as %s is given as %s', async (scope, given, writes) => {
    const body = ok(await ask({ ...delegatedParticipant(study.worker.key ?? '', participant.id), scope }))
    expect(body.scope).toBe(given)
    const caller = as(body.access_token)
    ok(await caller.get(OWN))
    const begun = await caller.post(`${OWN}?category=a&fileName=scope.txt`)
    expect([begun.status, begun.body.code]).toEqual(writes ? [200, undefined] : [403, 'forbidden'])
  })

  test('asked for what Carrel has not is given, and opens nothing', async () => {
    const scope = 'Participant:read SurveyAnswers:read'
    const body = ok(await ask({ ...delegatedParticipant(study.worker.key ?? '', participant.id), scope }))
    expect(body.scope).toBe(scope)
    const caller = as(body.access_token)
    for (const refused of [await caller.get(OWN), await caller.post(`${OWN}?category=a&fileName=scope.txt`)]) {
      expect([refused.status, refused.body.code]).toEqual([403, 'forbidden'])
      expect(refused.body.message).toContain('`Files:read`')
    }
    const again = await ask({ ...delegatedParticipant(body.access_token, participant.id) })
    expect([again.status, again.body.error]).toEqual([400, 'invalid_grant'])
  })

  test.each(['Files', 'Files:delete', 'apis', ','])('is not given for the scope %s', async (scope) => {
    const { status, body } = await ask({ ...delegatedParticipant(study.worker.key ?? '', participant.id), scope })
    expect([status, body.error]).toEqual([400, 'invalid_scope'])
    for (const word of ['`api`', '`Files:read`', '`Files:write`']) expect(body.error_description).toContain(word)
  })

  const other = async () => (await aParticipant(await aStudy())).id
  const key = (of: () => { key: string | undefined }) => () => of().key ?? ''
  const REFUSED: [why: string, form: () => Promise<object> | object, error: string][] = [
    ['for a participant of another study', async () => ({ participant_id: await other() }), 'invalid_grant'],
    ['for nobody', () => ({ participant_id: 'nobody' }), 'invalid_grant'],
    ['for whoever asks', () => ({ participant_id: 'me' }), 'invalid_grant'],
    ['for a participant’s key', () => ({ token: key(() => participant)() }), 'invalid_grant'],
    ['for a staff key', () => ({ token: key(() => study.staff)() }), 'invalid_grant'],
    ['for a token that is none', () => ({ token: 'crs_1_garbage' }), 'invalid_grant'],
    ['for the operator’s key', () => ({ token: env.OPERATOR_KEY }), 'invalid_grant'],
    ['for a token of a study that is not there', () => ({ token: `crl_65535_${'a'.repeat(43)}` }), 'invalid_grant'],
    [
      'for a token that acts for a participant already',
      async () => ({ token: await tokenOf(delegatedParticipant(study.worker.key ?? '', participant.id)) }),
      'invalid_grant',
    ],
    ['without a participant', () => ({ participant_id: undefined }), 'invalid_request'],
    ['without a token', () => ({ token: '' }), 'invalid_request'],
    ['to another client', () => ({ client_id: 'somebody' }), 'invalid_client'],
    ['for another secret', () => ({ client_secret: 'hunter2' }), 'invalid_client'],
  ]
  test.each(REFUSED)('is not given %s', async (_, form, error) => {
    const usualForm = delegatedParticipant(study.worker.key ?? '', participant.id)
    const { status, body } = await ask({ ...usualForm, ...(await form()) })
    expect([status, body.error], body.error_description).toEqual([400, error])
    expect(body.error_description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]{10,}$/)
  })

  test('says no more to who may know nobody than that the token is wrong, whoever is there', async () => {
    const delegated = await tokenOf(delegatedParticipant(study.worker.key ?? '', participant.id))
    const another = await aParticipant(study)
    const answers = await Promise.all(
      [another.id, 'nobody-at-all'].map(async (id) => ask(delegatedParticipant(delegated, id))),
    )
    expect(answers[0]?.body).toEqual(answers[1]?.body)
  })

  test('reads for who has left the study, and writes nothing', async () => {
    const leaving = await aParticipant(study)
    const token = await tokenOf(delegatedParticipant(study.worker.key ?? '', leaving.id))
    ok(await study.admin.patch(`${study.path}/participants/${leaving.id}`, { status: 'withdrawn' }))
    ok(await as(token).get(OWN))
    const begun = await as(token).post(`${OWN}?category=a&fileName=a.txt`)
    expect([begun.status, begun.body.code]).toEqual([403, 'participant_withdrawn'])
  })
})
