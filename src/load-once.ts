/**
 * What is loaded when it is first asked for. It is held as a value, since a promise may end with the request that it was
 * made in; so two requests at once may both load it, and a load that fails is tried again by the next.
 */
export function loadOnce<Loaded extends object>(load: () => Promise<Loaded>): () => Promise<Loaded> {
  let held: Loaded | undefined
  return async () => {
    if (held !== undefined) return held
    const loaded = await load()
    held ??= loaded
    return held
  }
}
