/** @jsxImportSource preact */
import { type ComponentChildren, createContext } from 'preact'
import { useCallback, useContext, useState } from 'preact/hooks'
import { sayingOf } from './problem.tsx'
import { type Task, useTask } from './task.ts'

const SHOWN_MS = 6_000

const Say = createContext<(text: string) => void>(() => undefined)

/** Says a sentence of what was done: `const say = useToast()`. */
export const useToast = (): ((text: string) => void) => useContext(Say)

type Toast = Readonly<{ id: number; text: string }>
let last = 0

/** Where such sentences appear, and are read out without interrupting. */
export function Toasts({ children }: Readonly<{ children: ComponentChildren }>) {
  const [toasts, setToasts] = useState<readonly Toast[]>([])
  const say = useCallback((text: string) => {
    last += 1
    const toast = { id: last, text }
    setToasts((all) => [...all, toast])
    setTimeout(() => setToasts((all) => all.filter((one) => one !== toast)), SHOWN_MS)
  }, [])
  return (
    <Say.Provider value={say}>
      {children}
      <div class="toasts" role="status">
        {toasts.map(({ id, text }) => (
          <p class="toast" key={id}>
            {text}
          </p>
        ))}
      </div>
    </Say.Provider>
  )
}

/** A task whose failure is said in passing, for buttons that have no place for it. */
export function useSaidTask(): Task {
  const say = useToast()
  return useTask((failure) => say(sayingOf(failure)))
}
