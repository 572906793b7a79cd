/** Carrel; the bare Worker that asks the same of storage; and the one that does no more than it has to. */
export const SIDES = ['carrel', 'same', 'bare'] as const
export type Side = (typeof SIDES)[number]

export type Ran = Readonly<{ milliseconds: number[]; wallMilliseconds: number; failures: string[] }>
