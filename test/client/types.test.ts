// What a client's functions take and answer, as the compiler sees it: the types of the service's own schemas.

import { describe, expect, expectTypeOf, test } from 'vitest'
import { type CarrelErrorCode, createCarrel, type File, type SavedUpload } from '../../src/client/index.ts'
import type { ErrorCode } from '../../src/model/errors.ts'

const carrel = createCarrel({ url: 'https://carrel.example.org', study: 'SD_DEM0DEM0' })

describe('the types of a client', () => {
  test('are those of the schemas: what is sent, and what is answered', () => {
    expectTypeOf<File['visibility']>().toEqualTypeOf<'private' | 'study' | 'public'>()
    expectTypeOf<NonNullable<File['version']>['verified']>().toEqualTypeOf<'storage' | 'read' | 'no'>()
    expectTypeOf<File['metadata']>().toEqualTypeOf<Record<string, unknown> | null>()
    expectTypeOf(carrel.files.update).returns.resolves.toHaveProperty('etag')
    expectTypeOf(carrel.files.delete).returns.resolves.toEqualTypeOf<void>()
    expectTypeOf(carrel.keys.issue)
      .parameter(0)
      .toHaveProperty('role')
      .toEqualTypeOf<'admin' | 'worker' | 'staff' | 'participant' | 'download'>()
    expectTypeOf<NonNullable<Parameters<typeof carrel.files.list>[0]>['limit']>().toEqualTypeOf<number | undefined>()
    expectTypeOf<SavedUpload['parts'][number]>().toEqualTypeOf<Readonly<{ number: number; etag: string }>>()
  })

  test('ask for one id, or for several by their names, and never for the study', () => {
    expectTypeOf(carrel.files.get).parameter(0).toEqualTypeOf<string>()
    expectTypeOf(carrel.documents.put).parameter(0).toEqualTypeOf<{ participant: string; identifier: string }>()
    expectTypeOf(carrel.studies.get).parameter(0).toEqualTypeOf<Parameters<typeof carrel.keys.get>[1]>()
  })

  test('do not let a name be left out, and neither does the client', async () => {
    // @ts-expect-error a document is named by two
    await expect(carrel.documents.get('preferences')).rejects.toMatchObject({ code: 'invalid_request' })
  })

  test('know that what is at its ETag is not told again', () => {
    const known = { ifNoneMatch: '"r7"' }
    const asked = async () => carrel.files.get('fil_x', known)
    const plain = async () => carrel.files.get('fil_x')
    expectTypeOf(asked).returns.resolves.extract<null>().toEqualTypeOf<null>()
    expectTypeOf(plain).returns.resolves.extract<null>().toEqualTypeOf<never>()
  })

  test('have every code of the service, and those of the link', () => {
    expectTypeOf<ErrorCode>().toExtend<CarrelErrorCode>()
    expectTypeOf<Exclude<CarrelErrorCode, ErrorCode>>().toEqualTypeOf<
      'network' | 'timeout' | 'aborted' | 'storage' | 'unexpected_answer' | 'source_changed' | 'content_changed'
    >()
  })

  test('let nothing be sent that is not asked for', async () => {
    // @ts-expect-error a size is part of what is declared
    const begun = carrel.files.begin({ name: 'a', mediaType: 'text/plain' }, { signal: AbortSignal.abort() })
    await expect(begun).rejects.toMatchObject({ code: 'aborted' })
  })
})
