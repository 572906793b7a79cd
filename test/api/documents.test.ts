import { describe, expect, test } from 'vitest'
import { as } from '../support/client.ts'
import { aParticipant, aStudy } from '../support/world.ts'

async function aWorld() {
  const study = await aStudy()
  const participant = await aParticipant(study)
  return { study, participant, path: `${study.path}/participants/${participant.id}/documents` }
}

const text = { 'Content-Type': 'application/json' }
const etagOf = (answer: { headers: Headers }) => answer.headers.get('ETag') ?? ''

describe('a document', () => {
  test('comes back byte for byte as it was put', async () => {
    const { participant, path } = await aWorld()
    const values = ['{"b":1.0,"a":12345678901234567890,"é":"\\u00e9"}', '[]', 'null', '"x"', '1e400', '{"a":1,"a":2}']
    for (const [index, value] of values.entries()) {
      const put = await participant.put(`${path}/doc-${index}`, value, text)
      expect(put.status).toBe(200)
      expect(put.body.size).toBe(new TextEncoder().encode(value).byteLength)
      expect((await participant.get(`${path}/doc-${index}`)).text).toBe(value)
    }
  })

  test('takes any identifier that is text, and lists by prefix', async () => {
    const { participant, path } = await aWorld()
    const names = ['a', 'a/b', 'a b', '日本', 'a%', 'ab', 'zz']
    for (const name of names) await participant.put(`${path}/${encodeURIComponent(name)}`, '1', text)
    const all = await participant.get(path)
    expect(all.body.items.map((item: { identifier: string }) => item.identifier)).toEqual([
      'a',
      'a b',
      'a%',
      'a/b',
      'ab',
      'zz',
      '日本',
    ])
    const some = await participant.get(`${path}?prefix=a&limit=2`)
    expect(some.body.items).toHaveLength(2)
    const rest = await participant.get(`${path}?prefix=a&cursor=${some.body.nextCursor}`)
    expect(rest.body.items).toHaveLength(3)
    expect(rest.body.nextCursor).toBeNull()
  })

  test('is written under If-Match by one of those who read the same, and under If-None-Match by the first', async () => {
    const { participant, path } = await aWorld()
    const first = await participant.put(`${path}/x`, '1', { ...text, 'If-None-Match': '*' })
    expect(first.status).toBe(200)
    expect((await participant.put(`${path}/x`, '2', { ...text, 'If-None-Match': '*' })).status).toBe(412)
    const second = await participant.put(`${path}/x`, '2', { ...text, 'If-Match': etagOf(first) })
    expect(second.status).toBe(200)
    expect((await participant.put(`${path}/x`, '3', { ...text, 'If-Match': etagOf(first) })).body.code).toBe(
      'revision_mismatch',
    )
    expect((await participant.put(`${path}/y`, '3', { ...text, 'If-Match': '*' })).status).toBe(412)
    // As it comes from an answer that something on the way has packed.
    const weak = async (answer: { headers: Headers }) =>
      participant.put(`${path}/x`, '2', { ...text, 'If-Match': `W/${etagOf(answer)}` })
    expect([(await weak(first)).status, (await weak(second)).status]).toEqual([412, 200])
    const now = await participant.get(`${path}/x`)
    expect((await participant.get(`${path}/x`, { 'If-None-Match': etagOf(now) })).status).toBe(304)
    expect((await participant.get(`${path}/x`)).text).toBe('2')
  })

  test('loses nothing to 16 writers that count in it by If-Match', async () => {
    const { participant, path } = await aWorld()
    await participant.put(`${path}/count`, '0', text)
    const increment = async () => {
      for (;;) {
        const read = await participant.get(`${path}/count`)
        const write = await participant.put(`${path}/count`, String(Number(read.body) + 1), {
          ...text,
          'If-Match': etagOf(read),
        })
        if (write.status === 200) return
        expect(write.status).toBe(412)
      }
    }
    await Promise.all(Array.from({ length: 16 }, increment))
    expect((await participant.get(`${path}/count`)).text).toBe('16')
  })

  test('is changed in part by a merge patch, and what the patch leaves alone keeps its digits', async () => {
    const { participant, path } = await aWorld()
    await participant.put(`${path}/x`, '{"big":12345678901234567890,"one":1.0,"gone":1,"deep":{"a":1,"b":2}}', text)
    const patch = { 'Content-Type': 'application/merge-patch+json' }
    const patched = await participant.patch(`${path}/x`, '{"gone":null,"deep":{"a":null,"c":[1,null]}}', patch)
    expect(patched.status).toBe(200)
    expect((await participant.get(`${path}/x`)).text).toBe(
      '{"big":12345678901234567890,"one":1.0,"deep":{"b":2,"c":[1,null]}}',
    )
    expect(patched.body.size).toBe((await participant.get(`${path}/x`)).text.length)
    expect((await participant.patch(`${path}/none`, '{}', patch)).status).toBe(404)
    expect((await participant.patch(`${path}/x`, '[1]', patch)).status).toBe(200)
    expect((await participant.get(`${path}/x`)).text).toBe('[1]')
    expect(
      (await participant.patch(`${path}/x`, '{"a":1}', { ...patch, 'If-Match': '"01k9z3m8qe5w7v2n4h6j8k0r2t"' }))
        .status,
    ).toBe(412)
  })

  test('that is nested deeper than a patch can follow is refused with a reason, and stays', async () => {
    const { participant, path } = await aWorld()
    const deep = '['.repeat(2_000) + ']'.repeat(2_000)
    expect((await participant.put(`${path}/x`, deep, text)).status).toBe(200)
    const patched = await participant.patch(`${path}/x`, '{"a":1}', { 'Content-Type': 'application/merge-patch+json' })
    expect(patched.body.code).toBe('invalid_body')
    expect((await participant.get(`${path}/x`)).text).toBe(deep)
  })

  test('may have 1 MiB, and not a byte more', async () => {
    const { participant, path } = await aWorld()
    const value = (bytes: number) => JSON.stringify('x'.repeat(bytes - 2))
    expect((await participant.put(`${path}/x`, value(1024 * 1024), text)).status).toBe(200)
    const over = await participant.put(`${path}/x`, value(1024 * 1024 + 1), text)
    expect(over.status).toBe(413)
    const patch = { 'Content-Type': 'application/merge-patch+json' }
    await participant.put(`${path}/y`, JSON.stringify({ a: 'x'.repeat(1024 * 1024 - 100) }), text)
    expect((await participant.patch(`${path}/y`, JSON.stringify({ b: 'y'.repeat(200) }), patch)).status).toBe(413)
    expect((await participant.get(`${path}/y`)).body.b).toBeUndefined()
  })

  test('is read and written by workers and admins, deleted by admins and its owner, and by staff never', async () => {
    const { study, participant, path } = await aWorld()
    for (const writer of [participant, study.worker, study.admin]) {
      expect((await writer.put(`${path}/x`, '1', text)).status).toBe(200)
      expect((await writer.get(`${path}/x`)).status).toBe(200)
      expect((await writer.get(path)).body.items).toHaveLength(1)
    }
    const other = await aParticipant(study)
    for (const stranger of [study.staff, study.download, other]) {
      expect((await stranger.get(`${path}/x`)).body.code).toBe('document_not_found')
      expect((await stranger.get(path)).body.code).toBe('participant_not_found')
      expect((await stranger.put(`${path}/x`, '2', text)).body.code).toBe('participant_not_found')
      expect((await stranger.patch(`${path}/x`, '2', text)).status).toBe(404)
      expect((await stranger.delete(`${path}/x`)).body.code).toBe('document_not_found')
    }
    expect((await as().get(`${path}/x`)).status).toBe(401)
    expect((await study.worker.delete(`${path}/x`)).body.code).toBe('forbidden')
    expect((await study.admin.delete(`${path}/x`)).status).toBe(204)
    expect((await participant.get(`${path}/x`)).status).toBe(404)
  })

  test('of a withdrawn participant is read and not written', async () => {
    const { study, participant, path } = await aWorld()
    await participant.put(`${path}/x`, '1', text)
    await study.admin.patch(`${study.path}/participants/${participant.id}`, { status: 'withdrawn' })
    expect((await participant.get(`${path}/x`)).status).toBe(200)
    for (const writer of [participant, study.worker, study.admin]) {
      expect((await writer.put(`${path}/x`, '2', text)).body.code).toBe('participant_withdrawn')
    }
    expect((await participant.delete(`${path}/x`)).body.code).toBe('participant_withdrawn')
    expect((await participant.get(`${path}/x`)).body).toBe(1)
  })
})

describe('a schema', () => {
  const schema = { type: 'object', required: ['theme'], properties: { theme: { enum: ['light', 'dark'] } } }

  test('is held against every write to its identifier, and tells the places that do not fit', async () => {
    const { study, participant, path } = await aWorld()
    expect((await participant.put(`${study.path}/document-schemas/prefs`, schema)).status).toBe(403)
    expect((await study.admin.put(`${study.path}/document-schemas/prefs`, schema)).status).toBe(200)
    const refused = await participant.put(`${path}/prefs`, { theme: 'pink' })
    expect(refused.status).toBe(422)
    expect(refused.body.code).toBe('document_invalid')
    expect(refused.body.errors.map((error: { pointer: string }) => error.pointer)).toContain('/theme')
    expect((await participant.put(`${path}/prefs`, { theme: 'dark' })).status).toBe(200)
    expect((await participant.put(`${path}/other`, { theme: 'pink' })).status).toBe(200)

    const patch = { 'Content-Type': 'application/merge-patch+json' }
    expect((await participant.patch(`${path}/prefs`, '{"theme":"pink"}', patch)).body.code).toBe('document_invalid')
    expect((await participant.patch(`${path}/prefs`, '{"theme":"light","x":1}', patch)).status).toBe(200)
    expect((await participant.get(`${path}/prefs`)).body).toEqual({ theme: 'light', x: 1 })

    expect((await study.admin.delete(`${study.path}/document-schemas/prefs`)).status).toBe(204)
    expect((await participant.put(`${path}/prefs`, { theme: 'pink' })).status).toBe(200)
  })

  test('that leads nowhere, or has no good pattern, is refused before it stands in the way of a write', async () => {
    const { study } = await aWorld()
    const put = async (body: unknown) => study.admin.put(`${study.path}/document-schemas/x`, body)
    expect((await put({ properties: { a: { $ref: '#/$defs/none' } } })).body.code).toBe('invalid_body')
    expect((await put({ properties: { a: { pattern: '(' } } })).body.code).toBe('invalid_body')
    expect((await put({ patternProperties: { '[': true } })).body.code).toBe('invalid_body')
    expect((await put({ $defs: { a: { type: 'string' } }, properties: { a: { $ref: '#/$defs/a' } } })).status).toBe(200)
    expect((await put([1])).status).toBe(422)
  })
})
