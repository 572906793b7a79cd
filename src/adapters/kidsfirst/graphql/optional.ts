/** What clients may leave out, or send null for. */
export type Optional<Value> = Value | null | undefined

/** Upstream takes an empty text for none. */
export const said = (value: Optional<string>): string | undefined =>
  value === null || value === '' ? undefined : value
