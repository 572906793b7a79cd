// In this protocol files and versions go by eight digits of Crockford's base32, which have room for forty bits: their
// numbers, which lead to their study.

import type { StudyId } from '../../model/ids.ts'

export { studyNumberOf } from '../../domain/file-keys.ts'

/** `SF`: a file; `FV`: a version. The first version of a file has the same digits as the file. */
type Prefix = 'SF' | 'FV'

const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const LENGTH = 8

const idOf = (prefix: Prefix, number: number): string => {
  const digits = number.toString(DIGITS.length).padStart(LENGTH, '0')
  return `${prefix}_${digits.replaceAll(/./g, (digit) => DIGITS.charAt(Number.parseInt(digit, DIGITS.length)))}`
}

export const fileIdOf = (number: number): string => idOf('SF', number)
export const versionIdOf = (number: number): string => idOf('FV', number)

/** The number that an id stands for; undefined for any other text. In lower case, or shorter, it is none. */
export function numberOf(text: string, prefix: Prefix): number | undefined {
  const digits = /^(SF|FV)_([0-9A-HJKMNP-TV-Z]{8})$/.exec(text)
  if (digits === null || digits[1] !== prefix) return undefined
  return Array.from(digits[2] ?? '').reduce((sum, digit) => sum * DIGITS.length + DIGITS.indexOf(digit), 0)
}

/** Where a file, or one of its versions, is downloaded. */
export const downloadPath = (
  study: StudyId,
  { file, version }: { file: number; version?: number | undefined },
): string =>
  `/download/study/${study}/file/${fileIdOf(file)}${version === undefined ? '' : `/version/${versionIdOf(version)}`}`
