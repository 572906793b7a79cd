import type { FreeHandle } from '../../domain/uploads.ts'

/** ASCII letters, digits and hyphens: accents are dropped, other scripts vanish, and so do hyphens themselves. */
const slug = (text: string): string =>
  text
    .normalize('NFD')
    .replaceAll(/[^A-Za-z0-9_ ]/g, '')
    .replaceAll(' ', '-')
    .toLowerCase()

/** What is left of a name in another script has to be called something. */
const NAMELESS = 'file'
/** Room in a handle for both, and for a number between them. */
const MAX_STEM = 200
const MAX_EXTENSION = 40

/**
 * HAT's rule for a file's id: of source and name, with the name's extension after a dot. The base is made a slug twice,
 * which takes the hyphens away that spaces have become.
 */
export function fileIdOf({ source, name }: { source: string; name: string }): FreeHandle {
  const dot = name.lastIndexOf('.')
  const extension = dot === -1 ? '' : slug(name.slice(dot + 1))
  const joined = slug(source + name)
  const base = extension !== '' && joined.endsWith(extension) ? joined.slice(0, -extension.length) : joined
  const stem = slug(base).slice(0, MAX_STEM)
  return {
    stem: stem === '' ? NAMELESS : stem,
    ending: extension === '' ? '' : `.${extension.slice(0, MAX_EXTENSION)}`,
  }
}
