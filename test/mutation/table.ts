import type { Change } from './mutants.ts'

/** What a condition becomes, to let more through than it should. */
const WIDER: Readonly<Record<string, string>> = {
  own: 'any',
  studyOwned: 'any',
  participantOwned: 'any',
  notPrivate: 'any',
  createdByCaller: 'any',
  grantedContent: 'granted',
}
const KINDS: Readonly<Record<string, string>> = { reads: 'changes', changes: 'reads', writes: 'changes' }

/**
 * The table of rules in `domain/policy.ts`: a role left out, one of its conditions left out, one of them made wider, and
 * a rule that writes taken for one that does not.
 */
export function tableChanges(source: string): Change[] {
  const begin = source.indexOf('export const rules')
  const table = source.slice(begin, source.indexOf('\n} as const', begin))
  const change = (mutator: string, [at, was]: readonly [number, string], becomes: string): Change => ({
    mutator,
    start: begin + at,
    end: begin + at + was.length,
    becomes,
  })
  const kinds = [...table.matchAll(/\b(reads|writes|changes)(?=\()/g)].map(({ index, 0: kind }) =>
    change('another kind of rule', [index, kind], KINDS[kind] ?? ''),
  )
  const roles = [...table.matchAll(/\b\w+: \[[^\]]*\],?/g)].map(({ index, 0: role }) =>
    change('without a role', [index, role], ''),
  )
  const conditions = [...table.matchAll(/'(\w+)'(, )?/g)].flatMap(({ index, 0: was, 1: name = '', 2: comma }) => {
    const wider = WIDER[name]
    const isOnly = comma === undefined && table[index - 1] === '['
    return [
      ...(isOnly ? [] : [change('without a condition', [index, was], '')]),
      ...(wider === undefined ? [] : [change('a wider condition', [index, `'${name}'`], `'${wider}'`)]),
    ]
  })
  return [...kinds, ...roles, ...conditions]
}
