import { useState } from 'preact/hooks'

export type Task = Readonly<{ isBusy: boolean; failure: unknown; run: (work: () => Promise<unknown>) => void }>

/**
 * What a button or a form sets going; its failure stays until it is tried again. A button that is busy is only marked so
 * (`aria-disabled`), since one that is disabled would lose the focus.
 */
export function useTask(onFailure: (failure: unknown) => void = () => undefined): Task {
  const [isBusy, setBusy] = useState(false)
  const [failure, setFailure] = useState<unknown>()
  const run = (work: () => Promise<unknown>) => {
    if (isBusy) return
    setBusy(true)
    setFailure(undefined)
    work()
      .catch((reason: unknown) => {
        setFailure(reason)
        onFailure(reason)
      })
      .finally(() => setBusy(false))
  }
  return { isBusy, failure, run }
}
