import type { Demo } from './demo-record.ts'

type Stop = Readonly<{ about: string; lines: readonly string[] }>

const CONTENT = 'Slept well.'
const NEW_FILE = { name: 'diary.txt', mediaType: 'text/plain', size: CONTENT.length }

/**
 * What to try first, to be pasted line by line into a shell that has curl and any Node: each line is a command that
 * is whole by itself and uses what the lines before it have set.
 */
function tour(demo: Demo): readonly Stop[] {
  const [participant] = demo.participants
  const study = `${demo.url}/v1/studies/${encodeURIComponent(demo.study)}`
  const json = quote('Content-Type: application/json')
  return [
    {
      about: `You are ${participant.externalId}, a participant of ${demo.study}.`,
      lines: [
        `study=${quote(study)} auth=${quote(`Authorization: Bearer ${participant.key}`)}`,
        `pick() { node -pe "const it = JSON.parse(require('fs').readFileSync(0)); $1"; }`,
      ],
    },
    {
      about: 'Begin an upload; the answer says where to send the bytes and with which headers. Send them, complete it.',
      lines: [
        `begun=$(curl -sS "$study/files" -H "$auth" -H ${json} -d ${quote(JSON.stringify(NEW_FILE))}); echo "$begun"`,
        `pick 'Object.entries(it.upload.headers).map(h => h.join(": ")).join("\\n")' <<< "$begun" | curl -sS -X PUT "$(pick it.upload.url <<< "$begun")" -H @- --data-binary ${quote(CONTENT)} -w '%{http_code}\\n'`,
        `curl -sS -X POST "$study/uploads/$(pick it.upload.id <<< "$begun")/complete" -H "$auth"; echo`,
      ],
    },
    {
      about: 'It is in the list.',
      lines: [`curl -sS "$study/files" -H "$auth" | pick 'it.items.map(f => f.id + " " + f.name).join("\\n")'`],
    },
    {
      about: 'A link to it that works once, within a minute, for whoever has it: the second use is answered 410.',
      lines: [
        `link=$(curl -sS "$study/files/$(pick it.file.id <<< "$begun")/download-tokens" -H "$auth" -H ${json} -d '{}' | pick it.url); echo "$link"`,
        `curl -sSL "$link" -w '\\n%{http_code}\\n'`,
        `curl -sSL "$link" -w '\\n%{http_code}\\n'`,
      ],
    },
  ]
}

export const tourLines = (demo: Demo) => tour(demo).flatMap(({ lines }) => lines)

/** The captions are comments, so that the whole page can be pasted at once as well. */
export function renderTour(demo: Demo) {
  return tour(demo)
    .map(({ about, lines }) => [`# ${about}`, ...lines].join('\n'))
    .join('\n\n')
}

/** As one word of a POSIX shell, whatever is in it. */
export const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`
