import { expect } from 'vitest'
import { STATUS } from '../../src/http/problem.ts'
import type { Answer } from './callers.ts'

type Code = keyof typeof STATUS

/** What every refusal is, whatever is refused: RFC 9457, told apart by its code, kept by nobody. */
export function expectProblem({ status, body, headers }: Answer, code?: Code, about?: string): void {
  const which = `${about ?? ''} ${JSON.stringify(body)}`.slice(0, 1_000)
  expect(headers.get('Content-Type'), which).toBe('application/problem+json')
  expect(headers.get('Cache-Control'), which).toBe('no-store')
  expect(body, which).toEqual({
    type: `urn:carrel:problem:${body.code}`,
    title: expect.stringMatching(/^[A-Z][a-z0-9 ]+$/),
    status,
    detail: expect.stringMatching(/^[A-Z].+\.$/),
    code: code ?? expect.any(String),
    ...(body.errors === undefined ? {} : { errors: expect.any(Array) }),
    requestId: headers.get('X-Request-Id'),
  })
  expect(STATUS[body.code as Code], which).toBe(status)
  for (const error of body.errors ?? []) {
    expect(error, which).toEqual({ pointer: expect.any(String), message: expect.stringMatching(/^[A-Z`].+/) })
  }
  expect(body.errors?.length ?? 1, which).toBeGreaterThan(0)
  if (status === 401) expect(headers.get('WWW-Authenticate'), which).toMatch(/^Bearer /)
}
