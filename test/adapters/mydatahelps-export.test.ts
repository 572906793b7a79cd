// MyDataHelps' table of a project's files, as its exports have it.

import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { anonymous } from '../support/client.ts'
import { overriding, within } from '../support/faults.ts'
import { OWN, projectOf, upload } from '../support/mydatahelps-files.ts'
import { seedBulk } from '../support/seed.ts'
import { aFile, aParticipant, aStudy, ok, type Study } from '../support/world.ts'

let study: Study
beforeAll(async () => {
  study = await aStudy()
})

describe('the table of files', () => {
  const TABLE = 'UploadedFiles.csv'

  test('has a line for each file of a participant, newest first, in which nothing is a formula', async () => {
    const own = await aStudy()
    const one = await aParticipant(own, { externalId: '../=1+1' })
    const names = ['plain.txt', '=HYPERLINK("x"),y.txt', '-1.txt', 'ä "quoted".txt']
    for (const name of names) {
      await upload(one, 'images', name)
      ok(await one.get(OWN))
    }
    await aFile(own.admin, own, { participant: null, name: 'study-owned.txt' })
    const native = await aFile(one, own, { name: 'a/b.txt', visibility: 'study' })
    const asked = '?uploadedAfter=2024-05-01&uploadedBefore=9999-01-01'
    const { status, text, headers } = await own.worker.get(`${projectOf(own)}/files/${TABLE}${asked}`)
    expect(status).toBe(200)
    expect(headers.get('Content-Type')).toBe('text/csv; charset=utf-8')
    expect(headers.get('Content-Disposition')).toBe('attachment; filename="UploadedFiles_2024-05-01-9999-01-01.csv"')
    const [head, first, ...lines] = text.split('\r\n')
    expect(head).toBe(
      'FileName,FileKey,ParticipantIdentifier,ParticipantID,Category,ExportFilePath,ModifiedDate,UploadedDate',
    )
    const at = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`
    const line = (name: string, key: string, category: string, path: string) =>
      new RegExp(`^${name},${key},../=1\\+1,${one.id},${category},${path},${at},${at}$`)
    expect(first).toMatch(line('a/b.txt', `${one.id}/${native.id}`, '', `/UploadedFiles/.._=1_1/files/${at}_a_b.txt`))
    const key = (name: string) => `${one.id}/images/${at}_${name}`
    const path = (name: string) => `/UploadedFiles/.._=1_1/images/${at}_${name}`
    expect(lines[0]).toMatch(
      line('"ä ""quoted"".txt"', `"${key('ä ""quoted"".txt')}"`, 'images', `"${path('ä ""quoted"".txt')}"`),
    )
    expect(lines[1]).toMatch(line("'-1.txt", key('-1.txt'), 'images', path('-1.txt')))
    expect(lines[2]).toMatch(/^"'=HYPERLINK\(""x""\),y\.txt",/)
    expect(lines[3]).toMatch(line('plain.txt', key('plain.txt'), 'images', path('plain.txt')))
    expect(lines.slice(4)).toEqual([''])
  })

  test('has what has just arrived, only of the times that are asked for, and is for the project’s accounts', async () => {
    const own = await aStudy()
    const one = await aParticipant(own)
    await upload(one, 'a', 'x.txt')
    const path = `${projectOf(own)}/files/${TABLE}`
    expect((await own.worker.get(path)).text.split('\r\n')).toHaveLength(3)
    expect((await own.worker.get(`${path}?uploadedBefore=2020-01-01`)).text.split('\r\n')).toHaveLength(2)
    expect((await own.worker.get(`${path}?uploadedBefore=x`)).status).toBe(400)
    for (const [caller, status] of [
      [own.staff, 403],
      [one, 403],
      [study.worker, 404],
      [anonymous, 401],
    ] as const) {
      expect((await caller.get(path)).status).toBe(status)
    }
  })

  test('breaks off where it fails on the way, rather than to look whole', async () => {
    const own = await aStudy()
    const one = await aParticipant(own)
    const recipe = {
      owner: `'${one.id}'`,
      name: "'x'",
      category: 'NULL',
      source: 'NULL',
      tags: "'[]'",
      visibility: "'study'",
    }
    await seedBulk(own, { from: 1, to: 101, recipe })
    let pages = 0
    const failing = overriding(env.DB, {
      prepare: (text) => {
        if (text.includes('SELECT s.listed_at AS "placeTime"')) pages += 1
        if (pages > 1) throw new Error('D1_ERROR: no such table')
        return env.DB.prepare(text)
      },
    })
    await expect(within({ DB: failing }, own.worker).get(`${projectOf(own)}/files/${TABLE}`)).rejects.toThrow()
    expect(pages).toBe(2)
    expect((await own.worker.get(`${projectOf(own)}/files/${TABLE}`)).text.split('\r\n')).toHaveLength(103)
  })
})
