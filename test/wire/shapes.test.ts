import { expect, test } from 'vitest'
import { HandleText, IdentifierText, ParticipantIdText, StudyIdText } from '../../src/wire/shapes.ts'

test('the name of a participant leads to them and to nothing else', () => {
  for (const id of ['me', 'self', '.', '..', '', 'a\n', '\uD800', 'x'.repeat(256)]) {
    expect(ParticipantIdText.safeParse(id).success, JSON.stringify(id)).toBe(false)
  }
  for (const id of ['ada', 'Zoë 1', 'x'.repeat(255)]) expect(ParticipantIdText.parse(id)).toBe(id)
})

test.each([
  ['handle', HandleText],
  ['identifier', IdentifierText],
] as const)('a %s can be reached by a URL', (_, shape) => {
  for (const name of ['.', '..', '', 'a\n']) expect(shape.safeParse(name).success, JSON.stringify(name)).toBe(false)
  for (const name of ['...', '.a', 'me', 'a/../b', '漢']) expect(shape.parse(name)).toBe(name)
})

test("a study's id can stand in a path as it is", () => {
  for (const id of ['', '-a', '.a', 'a/b', 'a b', 'é', 'x'.repeat(65)]) {
    expect(StudyIdText.safeParse(id).success, JSON.stringify(id)).toBe(false)
  }
  for (const id of ['SD_DEM0DEM0', '1', 'a.b-c_d', 'x'.repeat(64)]) expect(StudyIdText.parse(id)).toBe(id)
})
