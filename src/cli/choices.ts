import { InvalidArgumentError } from '@commander-js/extra-typings'

// What options say, as what it is.

export const anInteger = (text: string): number => {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It is a whole number.')
  return Number(text)
}
/** An option that may be said several times. */
export const several = (text: string, before: readonly string[] = []): readonly string[] => [...before, text]

type Given<Value> = { [Key in keyof Value]?: Exclude<Value[Key], undefined> }

/** Without what was not said. */
export const given = <Value extends object>(value: Value): Given<Value> =>
  // What is left of it is of the same types.
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Given<Value>
