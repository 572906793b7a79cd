import { STYLE_HASH } from './style.ts'

const headersWith = (formTargets: string): Readonly<Record<string, string>> => ({
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': [
    "default-src 'none'",
    `style-src '${STYLE_HASH}'`,
    `form-action ${formTargets}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'Cache-Control': 'no-store',
  Vary: 'Accept-Language',
  // The address of a page may hold a token. This also makes browsers send `Origin: null` with the form.
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Robots-Tag': 'noindex',
})

/** The headers of every page that has no form. */
export const pageHeaders = headersWith("'none'")

/**
 * The headers of the page with the button. Its POST is answered with a redirect to where the objects are, and Chrome and
 * Safari hold a form's redirects to `form-action` as well (https://github.com/w3c/webappsec-csp/issues/8): with `'self'`
 * alone the button would do nothing there, after the link has been claimed.
 */
export const confirmPageHeaders = (storageUrl: string) => headersWith(`'self' ${new URL(storageUrl).origin}`)
