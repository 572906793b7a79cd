import { layout } from './layout.tsx'
import { type Language, TEXTS } from './texts.ts'

type ConfirmProps = Readonly<{
  expiresAt: Date
  /** Goes back with the button: a second press of it is the same person's, not somebody else's. */
  nonce: string
  /** The reader's, where the platform knows it; the page says which one it is. */
  timeZone?: string | undefined
  language?: Language
}>

/**
 * What a browser sees before a one-time link is claimed: only its button claims, so that mail scanners and previews do
 * not. Says nothing of the file, since whoever looks has not claimed it. To be sent with `confirmPageHeaders`.
 */
export function ConfirmPage({ expiresAt, nonce, timeZone = 'UTC', language = 'en' }: ConfirmProps) {
  const texts = TEXTS[language]
  const [before, after] = texts.confirmOnce.split('{until}')
  const children = (
    <>
      <p>
        {before}
        <time datetime={expiresAt.toISOString()} dir="auto">
          {formatInstant(expiresAt, texts.dateLocale, timeZone)}
        </time>
        {after}
      </p>
      {/* Without an action a form goes to the page's own address, where the token is. */}
      <form method="post">
        <input type="hidden" name="nonce" value={nonce} />
        <button type="submit">{texts.confirmButton}</button>
      </form>
      <p class="quiet">{texts.confirmAfter}</p>
    </>
  )
  return layout({ language, title: texts.confirmTitle, children })
}

function formatInstant(instant: Date, locale: string, timeZone: string): string {
  try {
    return new Intl.DateTimeFormat(locale, {
      day: 'numeric',
      month: 'long',
      year: 'numeric',
      hour: '2-digit',
      minute: '2-digit',
      timeZone,
      timeZoneName: 'short',
    }).format(instant)
  } catch (error) {
    // A zone that is newer than this runtime's tables.
    if (timeZone === 'UTC') throw error
    return formatInstant(instant, locale, 'UTC')
  }
}
