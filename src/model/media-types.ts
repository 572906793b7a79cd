/** IANA media type, with parameters or without (RFC 9110 section 8.3.1), in printable ASCII. */
const MEDIA_TYPE =
  /^[A-Za-z0-9!#$&^_.+-]+\/[A-Za-z0-9!#$&^_.+-]+(?: *; *[A-Za-z0-9!#$&^_.+-]+=(?:[A-Za-z0-9!#$&^_.+-]+|"[ !#-[\]-~]*"))*$/
const MAX_MEDIA_TYPE_CHARACTERS = 255

/** What is said of bytes of which nothing is known. */
export const UNKNOWN_MEDIA_TYPE = 'application/octet-stream'

export const isMediaType = (text: string): boolean => text.length <= MAX_MEDIA_TYPE_CHARACTERS && MEDIA_TYPE.test(text)
