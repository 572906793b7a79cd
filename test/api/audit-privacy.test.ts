import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { auditIdOf, eventsOf } from '../support/audit.ts'
import { expectNone, listening, secretsIn } from '../support/canaries.ts'
import { anonymous, type Answer, as, type Caller, operator } from '../support/client.ts'
import { within } from '../support/faults.ts'
import { aToken } from '../support/tokens.ts'
import { ok, put } from '../support/world.ts'

// Whatever people call things, and whatever is in them, is nowhere in what is kept of who did what.

/** A text that shows where it came from: odd enough to be found in any spelling that keeps it. */
const marked = (place: string) => `Zoulou3-${place}-Ünïque "x" 字`
const SPELLINGS = /Zoulou3|351200300400|Ünïque|%C3%9Cn|字/i

test('no name, handle, identifier, content or secret is kept of who did what, or logged', async () => {
  const ear = listening()
  const secrets: (string | undefined)[] = [operator.key]
  const through = (caller: Caller): Caller => {
    if (caller.key !== undefined) secrets.push(caller.key)
    const listened = within(ear.bindings, caller)
    const once = () => ({ 'Idempotency-Key': `${crypto.randomUUID()}-Zoulou3` })
    return { ...listened, post: async (path, body, headers) => listened.post(path, body, { ...once(), ...headers }) }
  }
  const run = async (asked: Promise<Answer>) => ok(await asked)

  const id = `study-audit-privacy`
  const path = `/v1/studies/${id}`
  const boss = through(operator)
  await run(boss.post('/v1/studies', { id, name: marked('study'), settings: { allowPublic: true } }))
  const issue = async (caller: Caller, key: object) => {
    const { secret, hint } = await run(caller.post(`${path}/keys`, { label: marked('label'), ...key }))
    secrets.push(secret)
    expect(hint).toEqual(expect.any(String))
    return through(as(secret))
  }
  const admin = await issue(boss, { role: 'admin' })
  const staff = await issue(admin, { role: 'staff' })
  const worker = await issue(admin, { role: 'worker' })

  const contact = {
    email: 'zoulou3@example.org',
    phone: '+351200300400',
    firstName: marked('first'),
    lastName: marked('last'),
  }
  const ada = { id: 'ada', externalId: marked('external'), labels: [marked('participant label')], ...contact }
  await run(admin.post(`${path}/participants`, ada))
  await run(admin.post(`${path}/participants`, { id: 'bob' }))
  const theirs = `${path}/participants/ada`
  await run(admin.patch(theirs, { firstName: marked('new') }))
  const codes = `${theirs}/enrolment-codes`
  const { code } = await run(admin.post(codes, { label: marked('code') }))
  const enrolled = await run(through(anonymous).post('/v1/enrolments', { code }))
  const phone = through(as(enrolled.secret))
  const bob = await issue(admin, { role: 'participant', participant: 'bob' })
  const member = { issuer: 'https://login.example.org/', subject: marked('subject'), role: 'staff', ...contact }
  const added = await run(admin.post(`${path}/members`, member))
  const signedIn = through(as(await aToken(marked('subject'))))

  const file = {
    name: `${marked('file')}.txt`,
    category: marked('category'),
    source: marked('source'),
    title: marked('title'),
    description: marked('description'),
    tags: [marked('tag')],
    metadata: { [marked('key')]: marked('value') },
    visibility: 'study',
  }
  const content = marked('content')
  const size = new TextEncoder().encode(content).length
  const handle = `${theirs}/files/${encodeURIComponent(marked('handle'))}`
  const begun = await run(phone.put(handle, { ...file, mediaType: 'text/plain', size }))
  await put(begun.upload.url, content)
  await run(phone.post(`${path}/uploads/${begun.upload.id}/complete`))
  const shown = `${path}/files/${begun.file.id}`
  await run(phone.patch(shown, { title: marked('other title') }))
  const streamed = await signedIn.get(`${shown}/content?delivery=stream`)
  expect(streamed.text).toBe(content)
  const urls = [await staff.get(`${shown}/content`)]
  const link = await run(phone.post(`${shown}/download-tokens`, {}))
  urls.push(await through(anonymous).get(link.url))

  const document = `${theirs}/documents/${encodeURIComponent(marked('document'))}`
  await run(
    admin.put(`${path}/document-schemas/${encodeURIComponent(marked('document'))}`, { title: marked('schema') }),
  )
  await run(phone.put(document, { [marked('field')]: marked('data') }))
  await run(worker.get(document))
  const report = `${theirs}/reports/${encodeURIComponent(marked('report'))}`
  await run(phone.put(`${report}/entries/2026-11-20`, { note: marked('note') }))
  await run(worker.get(`${report}/entries`))
  await run(phone.get(`${theirs}/export`))

  // Refused, with all of these in the path, the query or the body.
  for (const refused of [
    await staff.get(document),
    await bob.get(handle),
    await bob.get(document),
    await bob.get(`${report}/entries`),
    await bob.patch(shown, { title: marked('title') }),
    await staff.get(`${path}/participants/${encodeURIComponent(marked('nobody'))}/files/x`),
    await staff.patch(path, { name: marked('study') }),
    await admin.get(`${path}/files/${encodeURIComponent(marked('nothing'))}`),
  ]) {
    expect(refused.status).toBeGreaterThanOrEqual(400)
    expect(refused.text).not.toMatch(SPELLINGS)
  }
  await run(phone.delete(document))
  await run(phone.delete(report))
  await run(phone.delete(shown))
  await run(admin.delete(`${path}/members/${added.id}`))
  const rotated = await run(phone.post(`${path}/keys/self/rotate`, {}))

  secrets.push(rotated.secret, enrolled.secret, code, new URL(link.url).pathname.slice('/d/'.length))
  for (const { headers } of urls) secrets.push(...secretsIn(headers.get('Location') ?? ''))
  const heard = await ear.heard({ id })
  const { events: stored = '', messages = '' } = heard
  expect(new Set((await eventsOf({ id })).map(({ action }) => action)).size).toBeGreaterThan(20)
  for (const [what, kept] of Object.entries(heard)) expect([what, kept.length > 100]).toEqual([what, true])
  // The one id that a caller made up, as a participant's, is looked up and let go.
  const made = marked('nobody').replaceAll('"', '\\"')
  expectNone(
    { ...heard, messages: messages.replaceAll(made, '') },
    SPELLINGS,
    secrets.map((secret) => secret ?? ''),
  )
  // Of participants there is a pseudonym, and nothing that it could be told from.
  expect(stored).not.toMatch(/\b(ada|bob)\b/)
  expect(stored).toContain(await auditIdOf({ id }, { id: 'ada' }))
  const columns = await env.DB.prepare(`SELECT name FROM pragma_table_info('audit_events')`).all()
  expect(columns.results).toHaveLength(10)
})
