import type { Scope } from '../../../domain/scope.ts'
import { listOwnStudies } from '../../../domain/studies.ts'
import { forbidden } from '../../../model/errors.ts'
import type { StudyId } from '../../../model/ids.ts'
import type { Role } from '../../../model/principal.ts'
import { scopeOf } from '../../../wire/context.ts'
import { studyOf } from '../../../wire/studies.ts'
import { type GraphqlContext, requireCaller } from './context.ts'

/** Developer tokens download everything, and for ever: so they are for administrators, whatever upstream's groups may. */
const ADMINS: readonly Role[] = ['admin', 'operator']

/**
 * Whose developer tokens the caller has to do with: those of all studies as the operator (`study` is undefined), else
 * those of the one study that the caller is of. Upstream's arguments name no study, so who is of several cannot say which.
 * @throws DomainError `forbidden`, `unauthenticated`
 */
export async function requireTokens(
  context: GraphqlContext,
): Promise<Readonly<{ scope: Scope; study: StudyId | undefined }>> {
  requireCaller(context)
  return { scope: scopeOf(context.c, { admits: ADMINS }), study: await onlyStudy(context) }
}

async function onlyStudy({ c, scope }: GraphqlContext): Promise<StudyId | undefined> {
  const { kind } = c.var.credential
  if (kind === 'operator') return undefined
  if (kind === 'key') return studyOf(c)
  const { items } = await listOwnStudies(scope, { limit: 2, cursor: undefined })
  const [study, another] = items
  if (study === undefined || another !== undefined) throw forbidden()
  return study.id
}
