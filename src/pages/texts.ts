import { AR } from './texts/ar.ts'
import { DE } from './texts/de.ts'
import { EN } from './texts/en.ts'
import { ES } from './texts/es.ts'
import { FR } from './texts/fr.ts'
import { ZH } from './texts/zh.ts'

type Sentence =
  | 'confirmTitle'
  | 'confirmOnce'
  | 'confirmButton'
  | 'confirmAfter'
  | 'usedTitle'
  | 'usedWhy'
  | 'usedNext'
  | 'expiredTitle'
  | 'expiredWhy'
  | 'expiredNext'
  | 'revokedTitle'
  | 'revokedWhy'
  | 'revokedNext'
  | 'unknownTitle'
  | 'unknownWhy'
  | 'unknownNext'
  | 'landingTitle'
  | 'landingWhat'
  | 'landingPeople'
  | 'landingTeams'
  | 'landingConsole'
  | 'landingDevelopers'
  | 'landingReference'
  | 'landingApi'
  | 'landingHealth'

/** Every sentence that a person reads, in one language. `{until}` is where the date goes. */
export type Texts = Readonly<
  Record<Sentence, string> & {
    /** How dates are written. */
    dateLocale: string
    direction: 'ltr' | 'rtl'
  }
>

/** By the primary subtag of a language (RFC 5646). Chinese is written in simplified characters. */
export const TEXTS = { en: EN, es: ES, fr: FR, de: DE, zh: ZH, ar: AR } as const

export type Language = keyof typeof TEXTS

const isLanguage = (text: string): text is Language => Object.hasOwn(TEXTS, text)

/**
 * The language that a reader wants most of those that the pages have: from `Accept-Language` (RFC 9110, section 12.5.4), by
 * the primary subtag of each; English where none is wanted, or said.
 */
export function languageOf(accepted: string | undefined): Language {
  const wanted = (accepted ?? '').split(',').flatMap((range) => {
    const [tag = '', ...parameters] = range.split(';').map((part) => part.trim())
    const [language = ''] = tag.toLowerCase().split('-')
    const said = /^q=([01](?:\.\d{0,3})?)$/i.exec(parameters[0] ?? '')?.[1]
    const weight = said === undefined ? 1 : Number(said)
    return isLanguage(language) && weight > 0 ? [{ language, weight }] : []
  })
  return wanted.toSorted((one, other) => other.weight - one.weight)[0]?.language ?? 'en'
}
