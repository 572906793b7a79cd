import { z } from 'zod'
import { claimedMemberId } from '../model/ids.ts'
import type { Claimed } from '../model/principal.ts'
import type { ClaimRoles } from '../settings.ts'
import { StudyIdText } from './shapes.ts'

/** A list of more, or of anything but texts, says nothing. */
const Texts = z.array(z.string()).max(1_000)

const ADMIN = 'ADMIN'
/** The grant by which software gets a token for itself, as Auth0 spells it or as OAuth does. */
const isOfSoftware = (grant: unknown): boolean => typeof grant === 'string' && /^client[-_]credentials$/i.test(grant)

/**
 * What a token that was verified says of its bearer, as far as its issuer is trusted with that; undefined: nothing.
 * Software is a worker at most, and only of the studies of its groups: a token that nobody signed in for makes no admin.
 */
export async function claimedIn(
  claims: Readonly<Record<string, unknown>>,
  { issuer, subject }: { issuer: string; subject: string },
  trusted: ClaimRoles | undefined,
): Promise<Claimed | undefined> {
  if (trusted === undefined) return undefined
  const { roles, groups, grantType } = trusted
  const said = (name: string | undefined): readonly string[] =>
    (name === undefined ? undefined : Texts.safeParse(claims[name]).data) ?? []
  const isSoftware = grantType !== undefined && [claims[grantType]].flat().some(isOfSoftware)
  const isAdmin = !isSoftware && said(roles).includes(ADMIN)
  // A group that no study can be called is somebody else's business.
  const studies = [...new Set(said(groups))].flatMap((group) => StudyIdText.safeParse(group).data ?? [])
  if (!isAdmin && studies.length === 0) return undefined
  const member = await claimedMemberId(issuer, subject)
  if (isAdmin) return { member, role: 'admin', studies: undefined }
  return { member, role: isSoftware ? 'worker' : 'staff', studies }
}
