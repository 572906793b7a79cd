import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ADMIN_USAGE, moveStudy, parseAdminArguments } from '../../src/local/admin.ts'
import { connect } from '../../src/local/api.ts'
import { StartFailure } from '../../src/local/failure.ts'

const STEP = { database: 0, state: 'copying', copied: 5, verified: 0, stoodStillMs: null, differs: null }

/** A service that answers so, one after the other, and what it was asked. */
async function aService(...answers: readonly (object | number)[]) {
  const asked: string[] = []
  const left = [...answers]
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      asked.push(`${request.url} ${request.headers.authorization} ${Buffer.concat(chunks).toString()}`)
      const answer = left.shift() ?? 500
      response.statusCode = typeof answer === 'number' ? answer : 200
      response.end(typeof answer === 'number' ? '{}' : JSON.stringify(answer))
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo // it listens on a port
  return { asked, operator: connect(`http://127.0.0.1:${port}`, AbortSignal.timeout(20_000))('op_key') }
}

const ASKED = { study: 'walking study', database: 1, url: '' }

test('a move is asked for until it is over, and what passes is asked for again', async () => {
  const { asked, operator } = await aService(
    STEP,
    503,
    { ...STEP, database: 1, state: 'clearing', stoodStillMs: 40 },
    { ...STEP, database: 1, state: 'here' },
  )
  const lines: string[] = []
  await moveStudy(operator, ASKED, (line) => lines.push(line))
  expect(asked).toEqual(
    Array.from({ length: 4 }, () => '/v1/studies/walking%20study/move Bearer op_key {"database":1}'),
  )
  expect(lines.at(1)).toContain('stood still for 40 ms')
  expect(lines.at(-1)).toBe('The study is in database 1.')
})

test('a copy that differs ends it, and says how it is given up', async () => {
  const { operator } = await aService({ ...STEP, differs: 'files' })
  await expect(moveStudy(operator, ASKED, () => undefined)).rejects.toThrow(/`move-study walking study 0` gives/)
})

test('what is refused is not asked for again', async () => {
  const { asked, operator } = await aService(403)
  await expect(moveStudy(operator, ASKED, () => undefined)).rejects.toThrow('403')
  expect(asked.length).toBe(1)
})

describe('arguments', () => {
  test('name a study, a database and perhaps a service', () => {
    const url = 'https://carrel.example.org'
    expect(parseAdminArguments(['move-study', 'a', '2', '--url', url])).toEqual({ study: 'a', database: 2, url })
    expect(parseAdminArguments(['move-study', 'a', '0']).url).toBe('http://127.0.0.1:8787')
  })

  test.for([[[]], [['move-study']], [['move-study', 'a', 'b']], [['move-study', 'a', '1', 'c']], [['--key', 'x']]])(
    '%j are answered with the usage',
    ([args]) => {
      expect(() => parseAdminArguments(args ?? [])).toThrow(StartFailure)
      expect(() => parseAdminArguments(args ?? [])).toThrow(ADMIN_USAGE.slice(0, 40))
    },
  )
})
