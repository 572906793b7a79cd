import { beforeAll, describe, expect, test } from 'vitest'
import { about, aProject, COMPLETE, DIRECT, form, type Project, PROJECT, upload } from '../support/openhumans.ts'
import { HELLO_MD5, ok } from '../support/world.ts'

let study: Project['study']
let member: Project['member']
let begin: Project['begin']
let fileOf: Project['fileOf']
beforeAll(async () => {
  ;({ study, member, begin, fileOf } = await aProject())
})

describe('what is said of a file', () => {
  const said = (metadata: object) => JSON.stringify({ tags: [], description: '', ...metadata })
  test.each([
    ['{', 'could not parse the uploaded metadata'],
    ['[]', 'could not parse the uploaded metadata'],
    ['{"tags":[]}', '"description" is a required field of the metadata'],
    ['{}', '"description" is a required field of the metadata'],
    [said({ description: 1 }), '"description" must be a string'],
    ['{"description":""}', '"tags" is a required field of the metadata'],
    [said({ tags: 'a' }), '"tags" must be an array of strings'],
    [said({ tags: ['a', 7] }), '"tags" must be an array of strings'],
    [said({ tags: [null] }), '"tags" must be an array of strings'],
    [said({ creation_date: 'yesterday' }), 'Dates must be in ISO 8601 format'],
    [said({ start_date: '' }), 'Dates must be in ISO 8601 format'],
    [said({ end_date: {} }), 'Dates must be in ISO 8601 format'],
    [said({ end_date: 'no', md5: '' }), 'Dates must be in ISO 8601 format'],
    [said({ md5: '' }), 'Invalid MD5 specified'],
    [said({ md5: 'g'.repeat(32) }), 'Invalid MD5 specified'],
    [said({ md5: `${HELLO_MD5}0` }), 'Invalid MD5 specified'],
    [said({ more: JSON.parse('['.repeat(33) + ']'.repeat(33)) }), 'The metadata may be nested 32 levels deep at most'],
    [said({ more: 'x'.repeat(70_000) }), 'The metadata may have 65536 characters at most'],
  ])('%.60s is refused', async (metadata, fault) => {
    const refusal = { metadata: [fault] }
    for (const { status, body } of [
      await begin(about(member, metadata)),
      await upload(study.worker, about(member, metadata)),
    ]) {
      expect([status, body]).toEqual([400, refusal])
    }
  })

  test.each([
    1,
    1.5,
    '1463682790',
    '2016',
    '2016-05',
    '2016-05-19',
    '20160519',
    '2016-W20-4',
    '2016-139',
    '2016-05-19T18:33:10.513837Z',
    '2016-05-19 18:33',
    '2016-05-19T18:33:10+02:00',
    null,
  ])('a date may be %s', async (date) => {
    expect((await begin(about(member, said({ creation_date: date, start_date: date })))).status).toBe(201)
  })

  test('may have an MD5 of null, which is none', async () => {
    expect(ok(await upload(study.worker, about(member, said({ md5: null })))).md5_matches).toBeNull()
  })

  test('is kept as it was said, numbers to their last digit, and where Carrel has a place for it, there too', async () => {
    const metadata =
      '{"tags":["b","a","a"],"description":"Week one","md5":"156da7fc980988c51682374436849943","n":12345678901234567890,"f":1.0,"x":{"":null}}'
    const { id } = ok(await upload(study.worker, about(member, metadata)))
    const listed = await study.worker.get(`${PROJECT}/exchange-member/?project_member_id=${member.number}`)
    expect(listed.text).toContain(`"metadata":${metadata}`)
    expect(await fileOf(id)).toMatchObject({
      tags: ['b', 'a'],
      description: 'Week one',
      visibility: 'study',
      participant: member.id,
    })
  })

  test('may be longer than what Carrel has a place for', async () => {
    const metadata = said({ description: 'é'.repeat(20_000), tags: ['x'.repeat(101), 'fits', '\u0000'] })
    const { id } = ok(await upload(study.worker, about(member, metadata)))
    expect(await fileOf(id)).toMatchObject({ tags: ['fits'], description: null, metadata: JSON.parse(metadata) })
  })

  test('is refused with all that is wrong at once, and before it is asked whose it is', async () => {
    expect((await form(study.worker, DIRECT, {})).body).toEqual({
      project_member_id: ['This field is required.'],
      metadata: ['This field is required.'],
      filename: ['This field is required.'],
    })
    expect((await form(study.worker, COMPLETE, { file_id: 'x' })).body).toEqual({
      project_member_id: ['This field is required.'],
      file_id: ['Enter a whole number.'],
    })
    expect((await upload(study.worker, { project_member_id: '12345678' }, null)).body).toEqual({
      metadata: ['This field is required.'],
      data_file: ['This field is required.'],
    })
    expect((await form(study.worker, `${PROJECT}/files/upload/`, about(member))).body).toEqual({
      data_file: ['This field is required.'],
    })
    expect((await upload(study.worker, about(member), { filename: 'a', content: '' })).body).toEqual({
      data_file: ['The submitted file is empty.'],
    })
    expect((await upload(study.worker, about(member), { filename: '', content: 'x' })).body).toEqual({
      data_file: ['This field is required.'],
    })
    expect((await begin({ ...about(member), filename: 'x'.repeat(256) })).body).toEqual({
      filename: ['Ensure this value has at most 255 characters (it has 256).'],
    })
    // A pair of surrogates is one character, as everywhere.
    expect((await begin({ ...about(member), filename: '𝔞'.repeat(255) })).status).toBe(201)
    expect((await begin({ ...about(member), filename: '𝔞'.repeat(256) })).body).toEqual({
      filename: ['Ensure this value has at most 255 characters (it has 256).'],
    })
  })

  test.each([
    ['no', "Could not parse the uploaded datatypes from: 'no'"],
    ['{}', "Could not parse the uploaded datatypes from: '{}'"],
    ['[3]', "The following datatypes don't match items in our database: [3]"],
  ])('is not of the types %s', async (datatypes, fault) => {
    expect((await begin({ ...about(member), datatypes })).body).toEqual({ datatypes: [fault] })
    expect((await begin({ ...about(member), datatypes: '[]' })).status).toBe(201)
  })
})
