import { aParticipant, aStudy } from './world.ts'

/** A study, one of its participants, and where its uploads are: what most tests of uploads begin with. */
export async function aDesk(settings: object = {}) {
  const study = await aStudy(settings)
  const owner = await aParticipant(study)
  return { study, owner, at: (upload: { id: string }) => `${study.path}/uploads/${upload.id}` }
}

/** The version that an upload becomes. */
export const versionOf = (upload: { id: string }) => upload.id.replace('upl_', 'ver_')
