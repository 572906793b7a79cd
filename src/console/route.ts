import { useLayoutEffect, useState } from 'preact/hooks'

/** Where one is, as the address's fragment says it, which no server is told: `#/files/fil_1?q=sleep`. */
export type Route = Readonly<{ view: string; names: readonly string[]; query: URLSearchParams }>

function routeOf(fragment: string): Route {
  const [path = '', search = ''] = fragment.replace(/^#?\/?/, '').split('?', 2)
  const [view = '', ...names] = path.split('/').map(decoded)
  return { view, names, query: new URLSearchParams(search) }
}

/** What is no text of an address stands for itself: it names nothing that is there. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

type Query = Readonly<Record<string, string | undefined>>

/** The address of a view: `hrefOf('files', [file.id])`. */
export function hrefOf(view: string, names: readonly string[] = [], query: Query = {}): string {
  const said = Object.entries(query).filter((pair): pair is [string, string] => (pair[1] ?? '') !== '')
  const search = new URLSearchParams(said).toString()
  return `#/${[view, ...names].map(encodeURIComponent).join('/')}${search === '' ? '' : `?${search}`}`
}

export const go = (href: string): void => location.assign(href)

/** Where one is from now on, with nothing to go back to. */
export const replaceRoute = (href: string): void => location.replace(href)

export function useRoute(): Route {
  const [route, setRoute] = useState(() => routeOf(location.hash))
  useLayoutEffect(() => {
    const follow = () => setRoute(routeOf(location.hash))
    addEventListener('hashchange', follow)
    return () => removeEventListener('hashchange', follow)
  }, [])
  return route
}
