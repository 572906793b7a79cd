import type { As } from './callers.ts'

/** Callers as Bridge's clients are: what they show stands in a header of Bridge's own. */
export const bridgeCallers =
  (as: As) =>
  (session?: string): ReturnType<As> => {
    const caller = as()
    const shown = session === undefined ? {} : { 'Bridge-Session': session }
    return {
      key: session,
      get: async (path, headers) => caller.get(path, { ...shown, ...headers }),
      head: async (path, headers) => caller.head(path, { ...shown, ...headers }),
      options: async (path, headers) => caller.options(path, { ...shown, ...headers }),
      post: async (path, body, headers) => caller.post(path, body, { ...shown, ...headers }),
      put: async (path, body, headers) => caller.put(path, body, { ...shown, ...headers }),
      patch: async (path, body, headers) => caller.patch(path, body, { ...shown, ...headers }),
      delete: async (path, headers) => caller.delete(path, { ...shown, ...headers }),
    }
  }
