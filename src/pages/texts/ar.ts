import type { Texts } from '../texts.ts'

export const AR: Texts = {
  dateLocale: 'ar',
  direction: 'rtl',

  confirmTitle: 'ملفك جاهز',
  confirmOnce: 'يعمل هذا الرابط مرة واحدة فقط، حتى {until}.',
  confirmButton: 'تنزيل',
  confirmAfter: 'بعد أن يبدأ التنزيل، يمكنك إغلاق هذه الصفحة.',

  usedTitle: 'استُخدم هذا الرابط من قبل',
  usedWhy: 'يعمل كل رابط مرة واحدة فقط، وقد أعطى هذا الرابط ملفه.',
  usedNext: 'إذا كنت أنت من استخدمه، فابحث في التنزيلات لديك. وإلا فاطلب رابطًا جديدًا ممن أرسله إليك.',

  expiredTitle: 'انتهت صلاحية هذا الرابط',
  expiredWhy: 'كان يعمل لمدة محدودة فقط، وقد انتهت هذه المدة.',
  expiredNext: 'لم يُفقد شيء: اطلب رابطًا جديدًا ممن أرسله إليك.',

  revokedTitle: 'سُحب هذا الرابط',
  revokedWhy: 'لم يعد يؤدي إلى أي ملف.',
  revokedNext: 'إذا كنت لا تزال بحاجة إلى الملف، فاسأل من أرسل إليك الرابط.',

  unknownTitle: 'لا نعرف هذا الرابط',
  unknownWhy: 'ربما قُطع جزء منه في الطريق إليك، أو انتهى قبل مدة.',
  unknownNext: 'حاول نسخ الرابط كاملًا إلى متصفحك، أو اطلب رابطًا جديدًا ممن أرسله إليك.',

  landingTitle: 'Carrel',
  landingWhat: 'مكان لحفظ الملفات والبيانات التي يشاركها الناس مع الدراسات البحثية.',
  landingPeople: 'إذا أرسل إليك أحدهم رابطًا، فافتح ذلك الرابط نفسه، فهو لا يبدأ من هنا.',
  landingTeams: 'لفرق الدراسات',
  landingConsole: 'لوحة التحكم: الملفات والمشاركون والمفاتيح',
  landingDevelopers: 'للمطورين',
  landingReference: 'مرجع واجهة البرمجة',
  landingApi: 'وصف واجهة البرمجة (OpenAPI)',
  landingHealth: 'حالة هذه الخدمة',
}
