import type { Texts } from '../texts.ts'

export const DE: Texts = {
  dateLocale: 'de',
  direction: 'ltr',

  confirmTitle: 'Ihre Datei ist bereit',
  confirmOnce: 'Dieser Link funktioniert einmal, bis {until}.',
  confirmButton: 'Herunterladen',
  confirmAfter: 'Wenn der Download begonnen hat, können Sie diese Seite schließen.',

  usedTitle: 'Dieser Link wurde schon benutzt',
  usedWhy: 'Jeder Link funktioniert nur einmal, und dieser hat seine Datei schon gegeben.',
  usedNext:
    'Wenn Sie das waren, sehen Sie unter Ihren Downloads nach. Wenn nicht, bitten Sie um einen neuen Link, wo dieser herkam.',

  expiredTitle: 'Dieser Link ist abgelaufen',
  expiredWhy: 'Er galt nur eine begrenzte Zeit, und die ist vorbei.',
  expiredNext: 'Es ist nichts verloren: Bitten Sie um einen neuen Link, wo dieser herkam.',

  revokedTitle: 'Dieser Link wurde zurückgezogen',
  revokedWhy: 'Er führt zu keiner Datei mehr.',
  revokedNext: 'Wenn Sie die Datei noch brauchen, fragen Sie dort nach, wo der Link herkam.',

  unknownTitle: 'Diesen Link kennen wir nicht',
  unknownWhy: 'Vielleicht wurde er unterwegs abgeschnitten, oder er endete vor einiger Zeit.',
  unknownNext: 'Versuchen Sie, den ganzen Link in Ihren Browser zu kopieren, oder bitten Sie um einen neuen.',

  landingTitle: 'Carrel',
  landingWhat: 'Ein Ort für Dateien und Daten, die Menschen mit Forschungsstudien teilen.',
  landingPeople: 'Wenn Ihnen jemand einen Link geschickt hat, öffnen Sie den Link selbst: Er beginnt nicht hier.',
  landingTeams: 'Für Studienteams',
  landingConsole: 'Konsole: Dateien, Teilnehmende, Schlüssel',
  landingDevelopers: 'Für Entwickler',
  landingReference: 'API-Referenz',
  landingApi: 'Beschreibung der API (OpenAPI)',
  landingHealth: 'Zustand dieses Dienstes',
}
