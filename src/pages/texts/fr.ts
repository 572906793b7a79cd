import type { Texts } from '../texts.ts'

export const FR: Texts = {
  dateLocale: 'fr',
  direction: 'ltr',

  confirmTitle: 'Votre fichier est prêt',
  confirmOnce: 'Ce lien fonctionne une seule fois, jusqu’au {until}.',
  confirmButton: 'Télécharger',
  confirmAfter: 'Une fois le téléchargement commencé, vous pouvez fermer cette page.',

  usedTitle: 'Ce lien a déjà servi',
  usedWhy: 'Chaque lien ne fonctionne qu’une fois, et celui-ci a déjà donné son fichier.',
  usedNext:
    'Si c’était vous, regardez dans vos téléchargements. Sinon, demandez un nouveau lien à la personne qui vous l’a envoyé.',

  expiredTitle: 'Ce lien a expiré',
  expiredWhy: 'Il ne fonctionnait que pendant un certain temps, et ce temps est passé.',
  expiredNext: 'Rien n’est perdu : demandez un nouveau lien à la personne qui vous l’a envoyé.',

  revokedTitle: 'Ce lien a été retiré',
  revokedWhy: 'Il ne mène plus à aucun fichier.',
  revokedNext: 'Si vous avez encore besoin du fichier, adressez-vous à la personne qui vous a envoyé le lien.',

  unknownTitle: 'Nous ne connaissons pas ce lien',
  unknownWhy: 'Il a peut-être été coupé en chemin, ou il a pris fin il y a quelque temps.',
  unknownNext:
    'Essayez de copier le lien entier dans votre navigateur, ou demandez-en un nouveau à la personne qui vous l’a envoyé.',

  landingTitle: 'Carrel',
  landingWhat: 'Un lieu pour les fichiers et les données que des personnes partagent avec des études de recherche.',
  landingPeople: 'Si quelqu’un vous a envoyé un lien, ouvrez ce lien même : il ne commence pas ici.',
  landingTeams: 'Pour les équipes d’étude',
  landingConsole: 'Console : fichiers, participants, clés',
  landingDevelopers: 'Pour les développeurs',
  landingReference: 'Référence de l’API',
  landingApi: 'Description de l’API (OpenAPI)',
  landingHealth: 'État de ce service',
}
