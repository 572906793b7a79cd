import { expect, test } from 'vitest'
import { summaryOf } from '../../src/http/audit-summaries.ts'
import { AUDIT_ACTIONS, type AuditEvent, DOERS } from '../../src/model/audit.ts'
import type { AuditEventId } from '../../src/model/ids.ts'

const event = (action: AuditEvent['action']): AuditEvent => ({
  id: 'aud_01k9z3m8qe5w7v2n4h6j8k0r2t' as AuditEventId, // of that shape
  at: new Date(0),
  door: 'native',
  action,
  outcome: action === 'access.deny' ? 'denied' : 'done',
  actor: 'system',
  through: null,
  participant: null,
  object: null,
})

const sentences = AUDIT_ACTIONS.flatMap((action) =>
  DOERS.map((doer) => ({ action, doer, text: summaryOf(event(action), doer) })),
)

test('every action by anyone is one plain sentence', () => {
  for (const { text } of sentences) {
    expect(text).toMatch(/^(You|An?|Someone|The|This|Another) [a-z ,]+\.$/)
    expect(text.length).toBeLessThan(120)
  }
})

test('no two actions are told alike', () => {
  for (const doer of DOERS) {
    const told = sentences.filter((each) => each.doer === doer).map(({ text }) => text)
    expect(new Set(told).size).toBe(AUDIT_ACTIONS.length)
  }
})

test('they have no words of the trade in them', () => {
  for (const { text } of sentences)
    expect(text).not.toMatch(/token|revo|metadata|principal|API|grant|version|\bid\b|schema/i)
})

test('whoever was refused is nobody whom it was shared with', () => {
  expect(summaryOf(event('access.deny'), 'participant')).toBe(
    'Another participant asked for something of yours and was not given it.',
  )
  expect(summaryOf(event('file.read'), 'participant')).toBe('Someone you shared it with downloaded a file of yours.')
})
