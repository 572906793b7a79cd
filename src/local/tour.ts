import type { Demo } from './demo-record.ts'

type Stop = Readonly<{ about: string; lines: readonly string[] }>

const CONTENT = 'Slept well.'
const NEW_FILE = { name: 'diary.txt', mediaType: 'text/plain', size: CONTENT.length }

/** A week, from Monday on. */
const HOURS_ASLEEP = [7, 6.5, 8, 7.5, 6, 9, 8.5]
const MONDAY = Date.UTC(2026, 10, 16)
const DAY_MS = 86_400_000
const dateOf = (day: number) => new Date(MONDAY + day * DAY_MS).toISOString().slice(0, 10)
const WEEK = { entries: HOURS_ASLEEP.map((hours, day) => ({ at: dateOf(day), data: { hours } })) }

/**
 * What to try first, to be pasted line by line into a shell that has curl and any Node: each line is a command that
 * is whole by itself and uses what the lines before it have set.
 */
function tour(demo: Demo): readonly Stop[] {
  const [participant, friend] = demo.participants
  const study = `${demo.url}/v1/studies/${encodeURIComponent(demo.study)}`
  const json = quote('Content-Type: application/json')
  return [
    {
      about: `You are ${participant.externalId}, a participant of ${demo.study}.`,
      lines: [
        `study=${quote(study)} auth=${quote(`Authorization: Bearer ${participant.key}`)}`,
        `friend=${quote(encodeURIComponent(`participant:${friend.id}`))} friends=${quote(`Authorization: Bearer ${friend.key}`)}`,
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
    {
      about: 'A document: any JSON, under a name of your own.',
      lines: [
        `curl -sS -X PUT "$study/participants/me/documents/preferences" -H "$auth" -H ${json} -d '{"theme":"dark"}'; echo`,
        `curl -sS "$study/participants/me/documents/preferences" -H "$auth"; echo`,
      ],
    },
    {
      about: 'A report: a week of entries, and what they come to.',
      lines: [
        `curl -sS "$study/participants/me/reports/sleep/entries" -H "$auth" -H ${json} -d ${quote(JSON.stringify(WEEK))}; echo`,
        `curl -sS "$study/participants/me/reports/sleep/rollup?period=week&from=${dateOf(0)}&until=${dateOf(6)}" -H "$auth" | pick 'it.buckets[0].fields.hours'`,
      ],
    },
    {
      about: `Share the file with ${friend.externalId}, who then has it on their list, marked as shared; and take it back.`,
      lines: [
        `grant="$study/files/$(pick it.file.id <<< "$begun")/grants/$friend"`,
        `curl -sS -X PUT "$grant" -H "$auth" -H ${json} -d '{"level":"content"}'; echo`,
        `curl -sS "$study/files" -H "$friends" | pick 'it.items.map(f => f.name + " " + f.shared).join("\\n")'`,
        `curl -sS -X DELETE "$grant" -H "$auth" -w '%{http_code}\\n'`,
        `curl -sS "$study/files" -H "$friends" | pick it.items.length`,
      ],
    },
    {
      about: 'Search, by how a word begins.',
      lines: [`curl -sS "$study/files?q=diar" -H "$auth" | pick 'it.items.map(f => f.id + " " + f.name).join("\\n")'`],
    },
    {
      about: 'Everything of yours, as a list with links to the bytes.',
      lines: [`curl -sS "$study/participants/me/export?format=csv" -H "$auth"`],
    },
    {
      about: `Erase all of it. Your key ends at once. Ask the receipt again in a minute or two: it tells what went. It says \`done\` a day after the last upload URL has expired. The next start enrols ${participant.externalId} anew.`,
      lines: [
        `receipt=$(curl -sS -X DELETE "$study/participants/me" -H "$auth"); echo "$receipt"`,
        `curl -sS "$study/erasures/$(pick it.id <<< "$receipt")"; echo`,
        `curl -sS "$study/files" -H "$auth" -o /dev/null -w '%{http_code}\\n'`,
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

/** Where a browser goes, with a key to paste there: an address keeps none, and the page knows none. */
export function renderConsole({ url, study, participants: [participant] }: Demo) {
  return [
    '# In a browser: open this page, and sign in there with this key.',
    `#   ${url}/console/#/?study=${encodeURIComponent(study)}`,
    `#   ${participant.key}`,
    `# It is that of ${participant.externalId}, whose files you then see. Drop one of yours there, and share it by a link.`,
  ].join('\n')
}

/** As one word of a POSIX shell, whatever is in it. */
export const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`
