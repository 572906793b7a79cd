import { layout } from './layout.tsx'
import { type Language, TEXTS } from './texts.ts'

/** Why a one-time link gives nothing. */
export type SpentReason = 'used' | 'expired' | 'revoked' | 'unknown'

/** What a browser sees in place of a download that a link no longer gives, or never gave. */
export function SpentPage({ reason, language = 'en' }: Readonly<{ reason: SpentReason; language?: Language }>) {
  const texts = TEXTS[language]
  const children = (
    <>
      <p>{texts[`${reason}Why`]}</p>
      <p>{texts[`${reason}Next`]}</p>
    </>
  )
  return layout({ language, title: texts[`${reason}Title`], children })
}
