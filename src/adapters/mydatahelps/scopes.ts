import type { Reach } from '../../model/sessions.ts'
import { OAuthRefusal } from './oauth.ts'

// Scopes are words of the form `<Resource>:<action>`, and `api` is all of them. How the platform calls the one for files
// no document says, so any word will do whose resource speaks of files.

const EVERYTHING = 'api'
/** A profile is none. */
const OF_FILES = /^[\w.]*(?<!pro)file[\w.]*:(read|write|\*)$/i
const MAX_WORDS = 100

const wordsOf = (scope: string) =>
  scope
    .split(' ')
    .filter((word) => word !== '')
    .slice(0, MAX_WORDS)

/** What a service account is given is everything. @throws OAuthRefusal */
export function serviceScope(asked = EVERYTHING): string {
  if (wordsOf(asked).includes(EVERYTHING)) return EVERYTHING
  throw new OAuthRefusal('invalid_scope', 'Ask for the scope `api`.')
}

/** What the platform has besides files, and Carrel has not: apps ask for that, and are given what opens nothing here. */
const OF_OTHER_THINGS = /^[\w.]+:(read|write|\*)$/i

/** Of what was asked for, what is given: reading goes with writing. @throws OAuthRefusal */
export function delegatedScope(asked = EVERYTHING): { scope: string; reach: Reach } {
  const words = wordsOf(asked)
  if (words.includes(EVERYTHING)) return { scope: EVERYTHING, reach: 'everything' }
  const given = words.filter((word) => OF_FILES.test(word))
  if (given.length > 0) {
    return { scope: given.join(' '), reach: given.every((word) => /:read$/i.test(word)) ? 'reading' : 'everything' }
  }
  const others = words.filter((word) => OF_OTHER_THINGS.test(word))
  if (others.length > 0) return { scope: others.join(' '), reach: 'nothing' }
  throw new OAuthRefusal('invalid_scope', 'Ask for `Files:read`, for `Files:write` or, for all that there is, `api`.')
}
