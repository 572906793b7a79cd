import type { Texts } from '../texts.ts'

export const ES: Texts = {
  dateLocale: 'es',
  direction: 'ltr',

  confirmTitle: 'Su archivo está listo',
  confirmOnce: 'Este enlace funciona una sola vez, hasta el {until}.',
  confirmButton: 'Descargar',
  confirmAfter: 'Cuando la descarga haya empezado, puede cerrar esta página.',

  usedTitle: 'Este enlace ya se ha usado',
  usedWhy: 'Cada enlace funciona una sola vez, y este ya ha entregado su archivo.',
  usedNext: 'Si fue usted, mire entre sus descargas. Si no, pida un enlace nuevo a quien se lo envió.',

  expiredTitle: 'Este enlace ha caducado',
  expiredWhy: 'Solo funcionaba durante un tiempo, y ese tiempo ha pasado.',
  expiredNext: 'No se ha perdido nada: pida un enlace nuevo a quien se lo envió.',

  revokedTitle: 'Este enlace se ha retirado',
  revokedWhy: 'Ya no lleva a ningún archivo.',
  revokedNext: 'Si todavía necesita el archivo, pregunte a quien le envió el enlace.',

  unknownTitle: 'No conocemos este enlace',
  unknownWhy: 'Puede que se haya cortado por el camino, o que terminara hace tiempo.',
  unknownNext: 'Pruebe a copiar el enlace entero en su navegador, o pida uno nuevo a quien se lo envió.',

  landingTitle: 'Carrel',
  landingWhat: 'Un lugar para los archivos y datos que las personas comparten con estudios de investigación.',
  landingPeople: 'Si alguien le envió un enlace, abra ese mismo enlace: no empieza aquí.',
  landingTeams: 'Para equipos de estudio',
  landingConsole: 'Consola: archivos, participantes, claves',
  landingDevelopers: 'Para desarrolladores',
  landingReference: 'Referencia de la API',
  landingApi: 'Descripción de la API (OpenAPI)',
  landingHealth: 'Estado de este servicio',
}
