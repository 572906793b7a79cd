// Schemas are held against documents where no code can be made from text: in the Worker as `wrangler dev` bundles and
// runs it, and as production does. The tests' own pool would allow it.

import { expect, test } from 'vitest'
import { sharedCarrel } from './support/carrel.ts'

const carrel = await sharedCarrel()

const SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  required: ['theme', 'contacts'],
  additionalProperties: false,
  properties: {
    theme: { enum: ['light', 'dark'] },
    since: { type: 'string', format: 'date' },
    contacts: { type: 'array', maxItems: 3, items: { $ref: '#/$defs/contact' } },
  },
  $defs: { contact: { type: 'object', required: ['phone'], properties: { phone: { pattern: '^\\+\\d{6,15}$' } } } },
  dependentRequired: { theme: ['since'] },
}
const FITS = { theme: 'dark', since: '2026-11-21', contacts: [{ phone: '+351910000000' }] }

test('a document that does not fit its schema is refused with the places that fail, and one that fits is kept', async () => {
  const study = await carrel.aStudy()
  const participant = await carrel.aParticipant(study)
  const path = `${study.path}/participants/me/documents/preferences`
  expect((await study.admin.put(`${study.path}/document-schemas/preferences`, SCHEMA)).status).toBe(200)

  const misfits: [value: unknown, pointers: string[]][] = [
    [{ ...FITS, theme: 'pink' }, ['/theme']],
    [{ ...FITS, contacts: [{ phone: '+351910000000' }, { phone: 'x' }] }, ['/contacts/1/phone']],
    [{ ...FITS, contacts: [{}, {}, {}, {}] }, ['/contacts']],
    [{ ...FITS, since: 'yesterday' }, ['/since']],
    [{ ...FITS, more: 1 }, ['/more']],
    [{ theme: 'dark', contacts: [] }, ['']],
    [[], ['']],
  ]
  for (const [value, pointers] of misfits) {
    const refused = await participant.put(path, value)
    expect([refused.status, refused.body.code, JSON.stringify(value)]).toEqual([
      422,
      'document_invalid',
      JSON.stringify(value),
    ])
    const named = refused.body.errors.map(({ pointer }: { pointer: string }) => pointer)
    expect(named, JSON.stringify(value)).toEqual(expect.arrayContaining(pointers))
  }
  expect((await participant.get(path)).status).toBe(404)

  const kept = await participant.put(path, FITS)
  expect(kept.status).toBe(200)
  const bookmark = kept.headers.get('Carrel-Bookmark') ?? ''
  expect((await participant.get(path, { 'Carrel-Bookmark': bookmark })).body).toEqual(FITS)
  const patch = { 'Content-Type': 'application/merge-patch+json' }
  const patched = await participant.patch(path, JSON.stringify({ contacts: [{ phone: 'x' }] }), patch)
  expect(patched).toMatchObject({
    status: 422,
    body: { errors: expect.arrayContaining([{ pointer: '/contacts/0/phone', message: expect.any(String) }]) },
  })
  expect((await participant.get(path)).body).toEqual(FITS)
})
