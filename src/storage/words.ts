// Text as search sees it: what is indexed of a file, and what a query asks for. The index finds words between spaces and
// punctuation, without regard to case and most accents (FTS5's `unicode61`); the rest is done here, the same on both sides.

/**
 * What stands for itself: the characters of scripts that put no space between words, or not between all of them, and
 * symbols, emoji among them. Each is a word of its own, and a run of them is asked for as a phrase, so that any part of
 * one is found. A dictionary (`Intl.Segmenter`) would cut a query otherwise than the text that it is in: of
 * インフルエンザ it finds no インフル, of แบบสอบถาม no สอบถาม; and another year's dictionary would find less again.
 */
const ALONE =
  String.raw`[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Bopomofo}\p{scx=Hangul}\p{sc=Yi}\p{sc=Thai}\p{sc=Lao}
  \p{sc=Khmer}\p{sc=Myanmar}\p{sc=Tai_Le}\p{sc=New_Tai_Lue}\p{sc=Tai_Tham}\p{sc=Tai_Viet}\p{sc=Javanese}
  \p{sc=Balinese}\p{So}]`.replaceAll(/\s/g, '')
const BESIDE_ALONE = new RegExp(String.raw`(?<=${ALONE})(?=\S)|(?<=\S)(?=${ALONE})`, 'gv')

/**
 * What is written or left out at will: vowel points of Arabic and Hebrew, combining accents that no letter has taken in,
 * the tatweel, what selects a variant or a skin tone, soft hyphens and marks of direction. Not the two of zero width
 * that part words.
 */
const AT_WILL =
  /[[\p{Cf}--[\u200b\u200c]][\p{Mn}&&[\p{sc=Inherited}\p{sc=Arabic}\p{sc=Hebrew}\p{sc=Syriac}]]\u0640\p{Emoji_Modifier}]/gv

/** What the index takes for part of a word: its `categories`, in migration 0004. */
const IN_WORD = /[\p{L}\p{M}\p{N}\p{Co}\p{So}]/u

/** A text with spaces between its words, and one form for what may be written in several (NFKC: ｶﾞ is ガ, ﬁ is fi). */
const spaced = (text: string) => text.normalize('NFKC').replaceAll(AT_WILL, '').replaceAll(BESIDE_ALONE, ' ')

/** What the index gets in place of a text; null: the text as it stands. */
export function wordsOf(text: string | null): string | null {
  if (text === null) return null
  const words = spaced(text)
  return words === text ? null : words
}

/** A string of FTS5's, in which nothing is an operator. */
const quoted = (phrase: string) => `"${phrase.replaceAll('"', '""')}"`

/**
 * A query as FTS5 has it: each of its parts between spaces is to be there, as a phrase whose last word may go on.
 * Undefined where it has no word. Each part is quoted as the last thing that is done to it: before it has its one form,
 * ＂ is no quotation mark yet.
 */
export function matchOf(query: string): string | undefined {
  const phrases = query
    .replaceAll(/[\p{Cc}\p{Cs}]/gu, ' ')
    .split(/\s+/u)
    .map(spaced)
    .filter((phrase) => IN_WORD.test(phrase))
  return phrases.length === 0 ? undefined : [...new Set(phrases)].map((phrase) => `${quoted(phrase)} *`).join(' AND ')
}
