// The curl script of examples/, in a shell, against the real service.

import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { sharedCarrel } from '../e2e/support/carrel.ts'
import { bytesOf } from '../support/bytes.ts'

const carrel = await sharedCarrel()
const EXAMPLES = join(import.meta.dirname, '../../examples')
const said = (failure: { stdout: string; stderr: string }) => failure

test('the script uploads a file, and says what became of it', async () => {
  const study = await carrel.aStudy()
  const ada = await carrel.aParticipant(study)
  const folder = await mkdtemp(join(tmpdir(), 'carrel-examples-'))
  const path = join(folder, 'a "diary" é.bin')
  const bytes = bytesOf(1, 70_000)
  await writeFile(path, bytes)
  const upload = async (key: string | undefined, ...args: string[]) =>
    promisify(execFile)(join(EXAMPLES, 'upload.sh'), args, {
      env: { ...process.env, CARREL_URL: carrel.origin, CARREL_STUDY: study.id, CARREL_KEY: key },
    })
  const { stdout } = await upload(ada.key, path, 'audio/wav')
  const [id = ''] = stdout.split(' ')
  expect(stdout).toBe(`${id} a "diary" é.bin 70000\n`)
  const content = await ada.get(`${study.path}/files/${id}/content?delivery=stream`)
  expect(content.headers.get('Content-Type')).toBe('audio/wav')
  expect(content.headers.get('Content-Length')).toBe('70000')

  const refused = await upload('crl_none', path).catch(said)
  expect(refused.stdout).not.toContain('fil_')
  expect(refused.stderr).toContain('401')
  await rm(folder, { recursive: true })
})

test('what the phones’ examples read is in the description that their types are made of', async () => {
  const { body } = await carrel.anonymous.get('/openapi.json')
  const { BegunUpload, SingleUpload, File } = body.components.schemas
  expect(Object.keys(BegunUpload.properties)).toEqual(['file', 'upload'])
  expect(Object.keys(SingleUpload.properties)).toEqual(expect.arrayContaining(['id', 'url', 'headers']))
  expect(File.properties.id).toBeDefined()
  for (const name of ['upload.swift', 'Upload.kt']) {
    const text = await readFile(join(EXAMPLES, name), 'utf8')
    for (const used of ['BegunUpload', 'upload.id', 'upload.url', 'upload.headers', '/complete', '"files"']) {
      expect(text).toContain(used)
    }
  }
})
