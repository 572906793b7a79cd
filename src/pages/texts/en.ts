import type { Texts } from '../texts.ts'

export const EN: Texts = {
  // The day before the month, 24 hours.
  dateLocale: 'en-GB',
  direction: 'ltr',

  confirmTitle: 'Your file is ready',
  confirmOnce: 'This link works once, until {until}.',
  confirmButton: 'Download',
  confirmAfter: 'When the download has begun, you can close this page.',

  usedTitle: 'This link has been used',
  usedWhy: 'Each link works only once, and this one has already given its download.',
  usedNext: 'If it was you, look among your downloads. If not, ask whoever sent you the link for a new one.',

  expiredTitle: 'This link has expired',
  expiredWhy: 'It worked for a limited time only, and that time is over.',
  expiredNext: 'Nothing is lost: ask whoever sent you the link for a new one.',

  revokedTitle: 'This link was withdrawn',
  revokedWhy: 'It no longer leads to a file.',
  revokedNext: 'If you still need the file, ask whoever sent you the link.',

  unknownTitle: 'We don’t know this link',
  unknownWhy: 'It may have been cut off on its way to you, or it ended some time ago.',
  unknownNext: 'Try to copy the whole link into your browser, or ask whoever sent it to you for a new one.',

  landingTitle: 'Carrel',
  landingWhat: 'A store for the files and data that people share with research studies.',
  landingPeople: 'If someone sent you a link, open that link itself: it does not begin here.',
  landingTeams: 'For study teams',
  landingConsole: 'Console: files, participants, keys',
  landingDevelopers: 'For developers',
  landingReference: 'API reference',
  landingApi: 'API description (OpenAPI)',
  landingHealth: 'Health of this service',
}
