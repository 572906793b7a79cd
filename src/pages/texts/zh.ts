import type { Texts } from '../texts.ts'

export const ZH: Texts = {
  dateLocale: 'zh-CN',
  direction: 'ltr',

  confirmTitle: '您的文件已准备好',
  confirmOnce: '此链接只能使用一次，有效期至 {until}。',
  confirmButton: '下载',
  confirmAfter: '下载开始后，您可以关闭此页面。',

  usedTitle: '此链接已被使用',
  usedWhy: '每个链接只能使用一次，此链接的文件已被下载。',
  usedNext: '如果是您本人下载的，请在下载记录中查找。如果不是，请向发送链接的人索取新链接。',

  expiredTitle: '此链接已过期',
  expiredWhy: '它只在一段时间内有效，现已过期。',
  expiredNext: '文件并未丢失：请向发送链接的人索取新链接。',

  revokedTitle: '此链接已被撤回',
  revokedWhy: '它不再指向任何文件。',
  revokedNext: '如果您仍需要该文件，请联系发送链接的人。',

  unknownTitle: '我们无法识别此链接',
  unknownWhy: '它可能在传送途中被截断，或早已失效。',
  unknownNext: '请尝试将完整链接复制到浏览器中，或向发送链接的人索取新链接。',

  landingTitle: 'Carrel',
  landingWhat: '存放人们与研究项目共享的文件和数据的地方。',
  landingPeople: '如果有人给您发送了链接，请直接打开该链接，无需从此页面开始。',
  landingTeams: '研究团队',
  landingConsole: '控制台：文件、参与者、密钥',
  landingDevelopers: '开发者',
  landingReference: 'API 参考文档',
  landingApi: 'API 说明（OpenAPI）',
  landingHealth: '服务状态',
}
