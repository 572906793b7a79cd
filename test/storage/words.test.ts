import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { matchOf, wordsOf } from '../../src/storage/words.ts'
import { HOSTILE_NAMES } from '../support/hostile-names.ts'

let rows = 0

/** Whether the index finds a text by a query, both as storage gives them to it. */
async function finds(text: string, query: string): Promise<boolean> {
  const number = -(rows += 1)
  const match = matchOf(query)
  const [, result] = await env.DB.batch([
    env.DB.prepare('INSERT INTO files_fts (rowid, who, name) VALUES (?, ?, ?)').bind(
      number,
      'somebody',
      wordsOf(text) ?? text,
    ),
    match === undefined
      ? env.DB.prepare('SELECT 1 WHERE 0')
      : env.DB.prepare('SELECT 1 FROM files_fts WHERE rowid = ? AND files_fts MATCH ?').bind(
          number,
          `who : somebody AND {name title description} : (${match})`,
        ),
    env.DB.prepare('DELETE FROM files_fts WHERE rowid = ?').bind(number),
  ])
  return result !== undefined && result.results.length > 0
}

describe('a text is found by its words', () => {
  test.each([
    ['Chinese', '睡眠质量调查问卷', ['睡眠', '质量', '调查问卷', '问卷', '卷', '睡眠 问卷']],
    ['Japanese', '東京都庁の睡眠日記', ['東京', '京都', '都庁', '日記', '睡眠日記', 'の睡']],
    ['Japanese in katakana', 'インフルエンザ予防接種', ['インフル', 'エンザ', '接種', 'ｲﾝﾌﾙ']],
    ['Thai', 'แบบสอบถามการนอนหลับ', ['แบบ', 'สอบถาม', 'นอน', 'หลับ', 'นอนหลับ']],
    ['Lao', 'ແບບສອບຖາມ', ['ແບບ', 'ສອບຖາມ']],
    ['Khmer', 'ភាសាខ្មែរ', ['ភាសា', 'ខ្មែរ']],
    ['Burmese', 'မြန်မာဘာသာ', ['မြန်မာ', 'ဘာသာ']],
    ['Korean, its particles and compounds', '서울대학교병원에서', ['서울', '대학교', '병원']],
    ['Arabic, pointed or not', 'كِتَابُ النَّوْم', ['كتاب', 'كِتَابُ', 'النوم', 'كتــاب']],
    ['Hebrew, pointed or not', 'שָׁלוֹם', ['שלום', 'שָׁלוֹם', 'של']],
    ['Hindi, with its vowels', 'हिन्दी भाषा', ['हिन्दी', 'हिन्', 'भाषा']],
    ['Greek, in capitals', 'ΎΠΝΟΣ', ['ύπνος', 'ΎΠΝ']],
    ['Cyrillic', 'Дневник сна', ['дневник', 'СНА', 'днев']],
    ['Vietnamese', 'Nhật ký giấc ngủ', ['nhat', 'giấc', 'NGỦ']],
    ['German compounds, from their beginning', 'Schlafbericht für Größe', ['schlaf', 'Schlafbericht', 'grö', 'GRO']],
    ['accents, composed or not', 're\u0301sume\u0301 Ångström', ['résumé', 'resume', 'RESUME\u0301', 'angstrom']],
    ['emoji, of whatever tone', 'party🎉👩🏽‍🔬', ['party', '🎉', '👩‍🔬', '👩🏿‍🔬', 'part']],
    ['two scripts in one word', 'iPhone用ケース', ['iphone', 'ケース', 'iPhone用']],
    ['signs and digits', 'week-1_notes (final).tar.gz', ['week', 'week-1', 'notes', 'tar.gz', '1', 'FINAL']],
    ['full width and ligatures', 'ﬁle １２ Ａ', ['file', '12', 'a']],
    ['characters of the supplementary planes', '𠀀𠀁漢', ['𠀁', '𠀁漢']],
  ])('in %s', async (_script, text, queries) => {
    for (const query of queries) expect([query, await finds(text, query)]).toEqual([query, true])
  })

  test.each([
    ['東京都庁', '京東'],
    ['睡眠质量', '睡质'],
    ['हिन्दी', 'हुन्दी'],
    ['การนอน', 'นอก'],
    ['sleep diary', 'leep'],
    ['sleep diary', 'sleep-diary-2'],
    ['sleep diary', 'sleep night'],
    ['🎉', '🎂'],
  ])('%s is not found by %s', async (text, query) => expect(await finds(text, query)).toBe(false))
})

test('any part of a text in a script without spaces finds it', async () => {
  const character = fc.constantFrom(...Array.from('睡眠质量東京都庁のケースーการนอนหลับខ្មែរမြန်မာ서울대학'))
  await fc.assert(
    fc.asyncProperty(
      fc.array(character, { minLength: 1, maxLength: 12 }),
      fc.nat(),
      fc.nat(),
      async (all, at, length) => {
        const from = at % all.length
        const part = all.slice(from, from + 1 + (length % all.length)).join('')
        expect(await finds(all.join(''), part)).toBe(true)
      },
    ),
    { numRuns: env.SLOW ? 300 : 60 },
  )
})

describe('whatever a file is called, it is found by its own name', () => {
  const isFoundByItself = async (text: string) => matchOf(text) === undefined || (await finds(text, text))

  test.each(Object.entries(HOSTILE_NAMES))('which could be meant for harm: %s', async (_kind, names) => {
    const lost: string[] = []
    // Half a surrogate pair is refused where it is said, or replaced.
    for (const name of names.map((each) => each.toWellFormed())) if (!(await isFoundByItself(name))) lost.push(name)
    expect(lost).toEqual([])
  })

  test('which nobody has written down', () =>
    fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 12 }), async (name) => {
        expect(await isFoundByItself(name.toWellFormed())).toBe(true)
      }),
      { numRuns: env.SLOW ? 300 : 60 },
    ))
})

test('no text is an operator, or breaks the query', async () => {
  const hostile = fc.oneof(
    fc.constantFrom(
      '"',
      '""',
      '*',
      '^',
      ':',
      '-',
      '+',
      '(',
      ')',
      '{',
      '}',
      ',',
      '\0',
      '\ud800',
      '\udc00',
      "'",
      ';--',
      '\\',
    ),
    // What NFKC makes into one of these, or into a space before one.
    fc.constantFrom('＂', '＊', '＾', '：', '（', '）', '｛', '｝', '﹣', '＋', '，', '＇', '´', '\u00a0', '…'),
    fc.constantFrom(
      'AND',
      'OR',
      'NOT',
      'NEAR',
      'NEAR(a b, 2)',
      'who',
      'who:',
      'name:',
      '{who} :',
      'somebody',
      'rank',
      'a*',
    ),
    fc.string({ unit: 'binary', maxLength: 8 }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(hostile, { maxLength: 8 }), fc.constantFrom('', ' '), async (parts, between) => {
      // Of somebody else, and without any of this in its name.
      expect(await finds('zzz', `qqq ${parts.join(between)}`)).toBe(false)
    }),
    { numRuns: env.SLOW ? 600 : 60 },
  )
  expect(await finds('OR NOT', 'or')).toBe(true)
  expect(await finds('zzz', 'somebody')).toBe(false)
  expect(await finds('say "hello" (twice)', '"hello" (tw')).toBe(true)
})

test('a quotation mark of full width ends no phrase', async () => {
  expect(await finds('zzz', '＂')).toBe(false)
  expect(await finds('zzz', 'qqq＂)´OR´who:"somebody')).toBe(false)
  expect(await finds('say ＂hello＂ (twice)', '＂hello＂')).toBe(true)
  expect(await finds('say "hello" (twice)', 'y＂')).toBe(false)
})

test.each(['', ' ', '"', '...', '\0', '\ud800', '\u200b', '\u0301'])('%j has no word to look for', (query) =>
  expect(matchOf(query)).toBeUndefined(),
)

test('a text that is fine as it stands is not kept twice', () => {
  expect(['sleep diary.txt', 'Größe', 'Дневник', 'हिन्दी', ''].map(wordsOf)).toEqual([null, null, null, null, null])
  expect(wordsOf(null)).toBeNull()
  expect(wordsOf('睡眠 diary')).toBe('睡 眠 diary')
})
