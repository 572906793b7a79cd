import fc from 'fast-check'
import type { Door } from '../../src/model/principal.ts'
import { graphqlSent } from './fuzz-graphql.ts'
import { hostileText, nearly, textOf } from './fuzz-json.ts'
import * as plans from './fuzz-plans.ts'
import { BOUNDARY, METADATA, multipart } from './openhumans.ts'

// What clients of the foreign protocols send, as far as their routes do not say it.

export type Speech = Readonly<{
  /** What stands for a part of a path, by its name there. */
  names: Readonly<Record<string, readonly string[]>>
  query: Readonly<Record<string, fc.Arbitrary<string>>>
  shown: readonly ((key: string) => plans.Header)[]
  /** What is shown besides keys. */
  sessions?: readonly string[]
  sent: (path: string) => fc.Arbitrary<plans.Sent>
  /** Whether it is spoken at a host of its own. */
  atHosts?: boolean
}>

const { field } = plans
const json = (value: fc.Arbitrary<unknown>): fc.Arbitrary<plans.Sent> =>
  fc.record({
    headers: plans.contentType('application/json').map((header) => [header]),
    body: plans.body(nearly(value).map(textOf), 'json'),
  })
const some = (...values: readonly unknown[]) => fc.constantFrom(...values)
const bearer = (key: string): plans.Header => ['Authorization', `Bearer ${key}`]

const TIMES = ['2026-11-20', '2026-11-22', '2026-11-21T08:30:00.000Z', '2026-11-21T08:30:00+02:00', '0', '-1']
const PAGES = ['1', '5', '100', '101', '-1', '4294967296', '1e3', '+5']
const CURSORS = [0, 1, 2, 3, 4].flatMap((index) => [
  `⟦@.cursor${index}⟧`,
  `⟦@.cursor${index}~23⟧`,
  `⟦shut.cursor${index}⟧`,
])

const BRIDGE: Speech = {
  names: {
    appId: ['⟦@.study⟧'],
    studyId: ['arm-a', '⟦@.study⟧'],
    userId: ['ada', 'bob', 'self', 'externalId:⟦@.externalId⟧', 'healthcode:ada'],
    userIdToken: ['ada', 'bob', 'self', 'externalId:⟦@.externalId⟧', 'healthcode:ada'],
    fileId: ['⟦@.handle⟧', '⟦@.file⟧', 'scan'],
    identifier: ['steps', 'preferences', 'diary'],
    date: TIMES,
  },
  query: {
    offsetKey: field(...CURSORS),
    pageSize: field(...PAGES),
    startDate: field(...TIMES),
    endDate: field(...TIMES),
    startTime: field(...TIMES),
    endTime: field(...TIMES),
    type: field('participant', 'study', 'STUDY'),
  },
  shown: [(key) => ['Bridge-Session', key]],
  sessions: ['⟦open.session⟧', '⟦shut.session⟧'],
  sent: () =>
    json(
      fc.record(
        {
          appId: some('⟦@.study⟧', '⟦@.study⟧', 'other'),
          externalId: some('PT-2', '⟦@.externalId⟧'),
          email: some('bob@example.org', 'gone@example.org'),
          phone: some({ number: '+491700000001', regionCode: 'DE' }),
          password: plans.key,
          reauthToken: some('⟦open.reauth⟧', '⟦shut.reauth~9⟧'),
          identifier: some('steps', 'diary'),
          data: fc.jsonValue({ maxDepth: 3 }),
          mimeType: some('text/plain', 'image/jpeg', 'x'),
          date: some(...TIMES),
          localDate: some(...TIMES),
          dateTime: some(...TIMES),
          healthCode: some('ada', 'bob', '⟦shut.participant⟧'),
          public: fc.boolean(),
          studyIds: some([], ['arm-a'], ['⟦@.study⟧', 'x']),
        },
        { requiredKeys: [] },
      ),
    ),
}

const formed = (text: fc.Arbitrary<string>): fc.Arbitrary<plans.Sent> =>
  fc.record({
    headers: plans.contentType('application/x-www-form-urlencoded').map((header) => [header]),
    body: plans.body(text, 'form'),
  })

const MYDATAHELPS: Speech = {
  names: { projectID: ['⟦@.study⟧'], participantIdentifier: ['⟦@.externalId⟧', 'PT-2', 'ada'] },
  query: {
    category: field('diary', '#a', 'undefined', 'a%26fileName=b'),
    fileName: field('a.jpg', 'a%2Fb', '%00.txt'),
    key: field('⟦@.mdhKey⟧', '⟦shut.mdhKey⟧', 'bob/diary', '/', 'ada/'),
    limit: field(...PAGES),
    pageID: field(...CURSORS),
    pageSize: field(...PAGES),
    pageNumber: field(...PAGES),
    participantID: field('ada', 'bob'),
    participantIdentifier: field('⟦@.externalId⟧', 'PT-2'),
    uploadedAfter: field(...TIMES),
    uploadedBefore: field(...TIMES),
  },
  shown: [bearer],
  sent: () =>
    formed(
      plans.fieldsOf(
        {
          grant_type: field('client_credentials', 'delegated_participant'),
          scope: field('api', 'Files:read', 'Files:write openid'),
          client_assertion_type: field('urn:ietf:params:oauth:client-assertion-type:jwt-bearer'),
          client_assertion: field('⟦open.jwt⟧', '⟦open.hatToken⟧', 'a.b.c'),
          participant_id: field('ada', 'bob', 'gone'),
          client_id: field('MyDataHelps.DelegatedParticipant'),
          client_secret: field('secret'),
          token: plans.key,
        },
        8,
      ),
    ),
}

const MEMBER = field('⟦@.member_number⟧', '⟦shut.member_number⟧', '00000000', '12345678')
const OPEN_HUMANS_FIELDS = {
  project_member_id: MEMBER,
  project_member_ids: MEMBER,
  access_token: plans.key,
  file_id: field('⟦@.number⟧', '⟦shut.number⟧', '-1', '1.0', '1e9'),
  file_basename: field('a.json', '%2E%2E'),
  all_files: field('True', 'false', '1'),
  filename: field('a.json', '..%2Fa', '%00'),
  metadata: field(
    encodeURIComponent(METADATA),
    '%7B%7D',
    '%5B%5D',
    '%7B%22tags%22%3A%5B1%5D%2C%22description%22%3A%22%22%7D',
  ),
  datatypes: field('%5B1%5D', '%22'),
  all_members: field('true'),
  subject: field('a'),
  message: field('b'),
  grant_type: field('authorization_code', 'refresh_token'),
  code: field('⟦open.enrolment⟧', '⟦shut.enrolment~3⟧'),
  refresh_token: field('⟦open.session⟧', '⟦open.reauth⟧', '⟦shut.reauth~3⟧'),
  client_id: field('test', '⟦@.key⟧'),
  client_secret: plans.key,
}

/** A form in parts: what it says is unescaped, as far as it can be. */
function inParts(said: string, filename: string): string {
  const fields = new URLSearchParams(said.replaceAll('+', '%2B'))
  return multipart(Object.fromEntries(fields), { filename, content: 'a,b\r\n1,2' })
}
const openHumansForm = plans.weighted(
  [2, plans.fieldsOf(OPEN_HUMANS_FIELDS, 5)],
  [3, fc.constant(`project_member_id=⟦@.member_number⟧&filename=a.json&metadata=${encodeURIComponent(METADATA)}`)],
)
const openHumansJson = fc.record(
  {
    project_member_id: some('⟦@.member_number⟧', 12_345_678),
    metadata: some(METADATA, JSON.parse(METADATA)),
    filename: some('a.json'),
    file_id: some('⟦@.number⟧'),
    all_files: fc.boolean(),
    access_token: plans.key,
  },
  { requiredKeys: [] },
)

const OPEN_HUMANS: Speech = {
  names: { id: ['⟦@.number⟧', '⟦shut.number⟧'] },
  query: {
    access_token: plans.key,
    project_member_id: MEMBER,
    limit: field(...PAGES),
    offset: field(...PAGES),
    key: field('x', '⟦open.token⟧'),
    client_id: field('x'),
  },
  shown: [bearer],
  sent: () =>
    plans.weighted<plans.Sent>(
      [3, formed(openHumansForm)],
      [1, json(openHumansJson)],
      [
        3,
        fc.record({
          headers: plans.contentType(`multipart/form-data; boundary=${BOUNDARY}`).map((header) => [header]),
          body: plans.body(
            fc
              .tuple(openHumansForm, plans.rarely(hostileText, 'a.csv', 4))
              .map(([said, filename]) => inParts(said, filename.replaceAll(/["\r\n]/g, ''))),
            'plain',
          ),
        }),
      ],
    ),
}

const KIDS_FIRST: Speech = {
  names: {
    study: ['⟦@.study⟧'],
    file: ['⟦@.fileKfId⟧', 'SF_00000000', 'SF_ZZZZZZZZ'],
    version: ['⟦@.versionKfId⟧', 'FV_00000000'],
  },
  query: { token: plans.weighted([3, plans.key], [1, field('x')]) },
  shown: [bearer, (key) => ['Authorization', `Token ${key}`]],
  sent: (path) => (path === '/graphql' || path === '/' ? graphqlSent : json(fc.jsonValue())),
}

const HAT: Speech = {
  names: {
    fileId: ['⟦@.handle⟧', '⟦@.file⟧', 'testnotes.txt'],
    userId: ['bob', 'gone', 'ada', 'nobody'],
    id: ['rumpel', 'diary'],
  },
  query: {
    content: field('true', 'false', 'metadata'),
    name: field('rumpel', 'diary'),
    resource: field('⟦@.host⟧'),
  },
  shown: [(key) => ['X-Auth-Token', key]],
  sessions: ['⟦@.hatToken⟧', '⟦@.hatToken⟧', '⟦shut.hatToken⟧', '⟦open.adaKey⟧', '⟦open.adaKey⟧', '⟦open.adaKey⟧'],
  sent: () =>
    json(
      fc.record(
        {
          name: some('notes.txt', '', 'x'),
          source: some('test', 'diary', ''),
          tags: some([], ['a'], ['a', 'b']),
          title: some('a'),
          description: some('b', '"* AND'),
          dateCreated: some(0, 1_478_167_040_000, '2026-11-21T08:30:00.000Z', -1e308),
          sourceURL: some('https://example.org/a'),
          contentType: some('text/plain', 'text/html'),
          fileId: some('⟦@.handle⟧', ''),
          status: some({ status: 'New' }, { status: 'Completed', size: 0 }),
        },
        { requiredKeys: ['name', 'source'] },
      ),
    ),
  atHosts: true,
}

export const SPEECHES: Readonly<Partial<Record<Door, Speech>>> = {
  bridge: BRIDGE,
  mydatahelps: MYDATAHELPS,
  openhumans: OPEN_HUMANS,
  kidsfirst: KIDS_FIRST,
  hat: HAT,
}
