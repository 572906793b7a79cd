// Many at once, over real connections: a link is given to one of them.

import { beforeAll, describe, expect, test } from 'vitest'
import { HELLO, ok, type Participant, type Study } from '../support/builders.ts'
import { sharedCarrel } from './support/carrel.ts'

/** How many links at once, and how many who follow one; `npm run test:slow` takes more. */
const [LINKS, FOLLOWERS] = process.env['CARREL_SLOW'] === '1' ? [50, 500] : [10, 200]

const carrel = await sharedCarrel()

let study: Study
let participant: Participant
let links: string
beforeAll(async () => {
  study = await carrel.aStudy()
  participant = await carrel.aParticipant(study)
  const { id } = await carrel.aFile(participant, study)
  links = `${study.path}/files/${id}/download-tokens`
})

const aLink = async (link: object): Promise<string> =>
  ok(await participant.post(links, { seconds: 3_600, ...link })).url

type Claimed = { status: number; text: string; location: string | null }

async function claim(url: string, init: Parameters<typeof fetch>[1] = {}): Promise<Claimed> {
  const response = await fetch(url, { redirect: 'manual', ...init })
  return { status: response.status, text: await response.text(), location: response.headers.get('Location') }
}

const allAtOnce = async (count: number, ask: () => Promise<Claimed>) =>
  Promise.all(Array.from({ length: count }, async () => ask()))

/** What the others are told: that it has been used, and nothing else. */
function expectOneWinner(answers: Claimed[], status: number): Claimed {
  const [winner, ...more] = answers.filter((answer) => answer.status < 400)
  expect(more).toEqual([])
  expect(winner?.status).toBe(status)
  for (const answer of answers) {
    if (answer !== winner) expect([answer.status, JSON.parse(answer.text).code]).toEqual([410, 'download_token_used'])
  }
  if (winner === undefined) throw new Error('nobody won')
  return winner
}

describe.each([
  ['redirect', 302],
  ['stream', 200],
] as const)('a link by %s', (delivery, status) => {
  const bytesOf = async ({ text, location }: Claimed) => (location === null ? text : (await fetch(location)).text())

  test(`that ${FOLLOWERS} follow at once is given to one of them`, async () => {
    const url = await aLink({ delivery })
    const winner = expectOneWinner(await allAtOnce(FOLLOWERS, async () => claim(url)), status)
    expect(await bytesOf(winner)).toBe(HELLO)
    expectOneWinner([winner, ...(await allAtOnce(3, async () => claim(url)))], status)
  })

  test(`of ${LINKS}, each followed by 18 at once, is given to one of its own`, async () => {
    const urls = await Promise.all(Array.from({ length: LINKS }, async () => aLink({ delivery })))
    const answers = await Promise.all(urls.map(async (url) => allAtOnce(18, async () => claim(url))))
    const winners = answers.map((each) => expectOneWinner(each, status))
    expect(await Promise.all(winners.map(bytesOf))).toEqual(urls.map(() => HELLO))
  })

  test('that is claimed while scanners look at it is given to the one who claims', async () => {
    const url = await aLink({ delivery })
    const looks = [
      { method: 'HEAD' },
      { method: 'OPTIONS' },
      { headers: { 'Sec-Purpose': 'prefetch' } },
      { headers: { Purpose: 'prefetch' } },
    ].flatMap((look) => Array.from({ length: 10 }, () => look))
    const looked = Promise.all(looks.map(async (init) => claim(url, init)))
    const claimed = await claim(url)
    expect(await bytesOf(claimed)).toBe(HELLO)
    expect(new Set((await looked).map((answer) => answer.status))).toEqual(new Set([200, 204, 503]))
  })
})

describe('the button of a page', () => {
  const BROWSER = { Accept: 'text/html' }
  const nonceIn = (page: string) => /name="nonce" value="([^"]+)"/.exec(page)?.[1] ?? ''
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
  const press = async (url: string, nonce: string) =>
    claim(url, { method: 'POST', headers: { ...BROWSER, ...form }, body: `nonce=${nonce}` })

  test('pressed by several people at once gives the file to one of them, as often as they press', async () => {
    const url = await aLink({ confirm: true })
    const pages = await allAtOnce(20, async () => claim(url, { headers: BROWSER }))
    const nonces = pages.map(({ text }) => nonceIn(text))
    expect(new Set(nonces).size).toBe(20)
    // Each presses twice.
    const answers = await Promise.all([...nonces, ...nonces].map(async (nonce) => press(url, nonce)))
    const won = answers.flatMap(({ status }, index) => (status === 303 ? [index % 20] : []))
    expect(new Set(won).size).toBe(1)
    expect(won).toHaveLength(2)
    expect(answers.filter(({ status }) => status === 410)).toHaveLength(38)
  })

  test('pressed twice at once gives what is streamed once', async () => {
    const url = await aLink({ confirm: true, delivery: 'stream' })
    const nonce = nonceIn((await claim(url, { headers: BROWSER })).text)
    const answers = await allAtOnce(2, async () => press(url, nonce))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 410]))
    expect(answers.find(({ status }) => status === 200)?.text).toBe(HELLO)
  })

  test('leads a browser that follows the redirect to the bytes', async () => {
    const url = await aLink({ confirm: true })
    const nonce = nonceIn((await claim(url, { headers: BROWSER })).text)
    const response = await fetch(url, { method: 'POST', headers: { ...BROWSER, ...form }, body: `nonce=${nonce}` })
    expect([response.redirected, response.status, await response.text()]).toEqual([true, 200, HELLO])
  })
})
