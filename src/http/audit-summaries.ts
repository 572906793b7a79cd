import type { AuditAction, AuditEvent, Doer } from '../model/audit.ts'

/** What was done, in the words of whoever did it to their own, and of whoever did it to somebody else's. */
type Words = readonly [byYou: string, byOthers: string]

const WORDS: Readonly<Record<AuditAction, Words>> = {
  'study.create': ['set up the study.', 'set up the study.'],
  'study.update': ['changed the settings of the study.', 'changed the settings of the study.'],
  'study.export': ['took a list of everything in the study.', 'took a list of everything in the study.'],
  'study.erase': ['started to delete the whole study.', 'started to delete the whole study.'],
  'study.move': ['began to move the study to another database.', 'began to move the study to another database.'],
  'participant.enrol': ['joined the study.', 'added you to the study.'],
  'participant.update': [
    'changed your details or your place in the study.',
    'changed your details or your place in the study.',
  ],
  'participant.export': ['asked for a copy of everything of yours.', 'asked for a copy of everything of yours.'],
  'participant.erase': ['asked for everything of yours to be deleted.', 'started to delete everything of yours.'],
  'member.add': ['got a place in the study by signing in.', 'gave you a place in the study by signing in.'],
  'member.remove': ['ended your place in the study by signing in.', 'ended your place in the study by signing in.'],
  'key.issue': ['made a key that acts for you.', 'made a key that acts for you.'],
  'key.rotate': ['replaced a key that acts for you.', 'replaced a key that acts for you.'],
  'key.revoke': ['ended a key that acts for you.', 'ended a key that acts for you.'],
  'enrolment_code.issue': ['made a code to connect a device of yours.', 'made a code to connect a device of yours.'],
  'enrolment_code.revoke': [
    'withdrew a code to connect a device of yours.',
    'withdrew a code to connect a device of yours.',
  ],
  'enrolment_code.claim': ['connected a device with a code.', 'connected a device of yours with a code.'],
  'session.begin': ['signed in to an app.', 'signed in to an app as you.'],
  'session.renew': ['stayed signed in to an app.', 'stayed signed in to an app as you.'],
  'session.end': ['signed out of an app.', 'signed you out of an app.'],
  'host.set': ['set the address that apps find your files at.', 'set the address that apps find your files at.'],
  'host.remove': [
    'took away the address that apps find your files at.',
    'took away the address that apps find your files at.',
  ],
  'file.begin': ['began to upload a file.', 'began to upload a file for you.'],
  'file.complete': ['finished uploading a file.', 'took in a file of yours.'],
  'file.abandon': ['gave up an upload of a file.', 'gave up an upload of a file of yours.'],
  'file.edit': [
    'changed what is said of a file, or who may see it.',
    'changed what is said of a file of yours, or who may see it.',
  ],
  'file.delete': ['deleted a file.', 'deleted a file of yours.'],
  'file.read': ['downloaded a file.', 'downloaded a file of yours.'],
  'file.grant': ['shared a file.', 'shared a file of yours.'],
  'file.revoke': ['stopped sharing a file.', 'stopped sharing a file of yours.'],
  'version.edit': [
    'changed what is said of the content of a file.',
    'changed what is said of the content of a file of yours.',
  ],
  'version.move': ['moved content of a file to another file.', 'moved content of a file of yours to another file.'],
  'link.issue': ['made a link to a file.', 'made a link to a file of yours.'],
  'link.revoke': ['withdrew a link to a file.', 'withdrew a link to a file of yours.'],
  'link.claim': ['downloaded a file through a link.', 'downloaded a file of yours through it.'],
  'document.put': ['stored a document.', 'stored a document of yours.'],
  'document.read': ['read a document.', 'read a document of yours.'],
  'document.delete': ['deleted a document.', 'deleted a document of yours.'],
  'document_schema.put': ['changed what documents must look like.', 'changed what documents must look like.'],
  'document_schema.delete': ['lifted what documents must look like.', 'lifted what documents must look like.'],
  'report.add': ['added entries to a report.', 'added entries to a report of yours.'],
  'report.change': ['changed what is said of a report.', 'changed what is said of a report of yours.'],
  'report.read': ['read a report.', 'read a report of yours.'],
  'report.delete': ['deleted a report.', 'deleted a report of yours.'],
  'report_entry.delete': ['deleted an entry of a report.', 'deleted an entry of a report of yours.'],
  'access.deny': ['asked for something and were not given it.', 'asked for something of yours and was not given it.'],
}

const NAMES: Readonly<Record<Doer, string>> = {
  you: 'You',
  administrator: 'An administrator of the study',
  team: 'A member of the study team',
  participant: 'Someone you shared it with',
  link: 'Someone with a link',
  operator: 'The operator of this service',
  carrel: 'This service',
}

const nameOf = (doer: Doer, { outcome }: AuditEvent): string =>
  // Who was not given it is nobody whom it was shared with.
  doer === 'participant' && outcome === 'denied' ? 'Another participant' : NAMES[doer]

/** One plain sentence of what was done to a participant's own, as told to them. */
export function summaryOf(event: AuditEvent, doer: Doer): string {
  const [byYou, byOthers] = WORDS[event.action]
  return `${nameOf(doer, event)} ${doer === 'you' ? byYou : byOthers}`
}
