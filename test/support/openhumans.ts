import type { Answer, Caller } from './callers.ts'
import { aParticipant, aStudy, ok, put } from './world.ts'

// What Open Humans' clients send, put together as they do.

export const PROJECT = '/api/direct-sharing/project'
export const METADATA = '{"tags": ["survey", "diet", "csv"], "description": "Diet survey questions and responses"}'

type Named = Record<string, string>

/** A form, as Python's `requests` sends one. */
export const form = async (caller: Caller, path: string, fields: Named): Promise<Answer> =>
  caller.post(path, new URLSearchParams(fields).toString(), { 'Content-Type': 'application/x-www-form-urlencoded' })

export const BOUNDARY = '60b1416fed664815a28bf8be840458ae'
export const MULTIPART = { 'Content-Type': `multipart/form-data; boundary=${BOUNDARY}` }

const named = (name: string, value: string, more = '') =>
  `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`

/** A multipart body of fields and, at its end, a file. */
export const multipart = (fields: Named, file: { filename: string; content: string } | null = null) =>
  `${Object.entries(fields)
    .map(([name, value]) => named(name, value))
    .join(
      '',
    )}${file === null ? '' : named('data_file', file.content, `; filename="${file.filename}"`)}--${BOUNDARY}--\r\n`

/** A file in the request itself. */
export const upload = async (
  caller: Caller,
  fields: Named,
  file: { filename: string; content: string } | null = { filename: 'test-file.txt', content: 'test file data\n' },
): Promise<Answer> => caller.post(`${PROJECT}/files/upload/`, multipart(fields, file), MULTIPART)

/** What every upload says. */
export const about = (member: { number: number }, metadata: string = METADATA): Named => ({
  project_member_id: String(member.number),
  metadata,
})

export const DIRECT = `${PROJECT}/files/upload/direct/`
export const COMPLETE = `${PROJECT}/files/upload/complete/`
export const DELETE = `${PROJECT}/files/delete/`

/** A study with a member, and what its software does for them. */
export async function aProject(settings: object = {}) {
  const study = await aStudy(settings)
  const member = await aParticipant(study)
  const begin = async (fields: Named, caller: Caller = study.worker) =>
    form(caller, DIRECT, { filename: 'a.json', ...fields })
  const complete = async (file_id: string | number, of: { number: number } = member, caller: Caller = study.worker) =>
    form(caller, COMPLETE, { project_member_id: String(of.number), file_id: String(file_id) })
  return {
    study,
    member,
    begin,
    complete,
    /** A direct upload with its bytes in place, not complete yet. */
    sent: async (metadata = METADATA): Promise<{ id: number; url: string }> => {
      const begun = ok(await begin(about(member, metadata)))
      await put(begun.url)
      return begun
    },
    /** A file by its number, as the native API tells it. */
    fileOf: async (number: number) => {
      const { items } = ok(await study.admin.get(`${study.path}/files?limit=100`))
      return items.find((file: { number: number }) => file.number === number)
    },
    /** What is told of a member's files. */
    exchange: async (of: { number: number } = member, caller: Caller = study.worker, more = '') =>
      caller.get(`${PROJECT}/exchange-member/?project_member_id=${of.number}${more}`),
  }
}

export type Project = Awaited<ReturnType<typeof aProject>>
