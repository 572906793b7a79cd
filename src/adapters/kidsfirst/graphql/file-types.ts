/** What Kids First calls the kinds of data that a file may hold. One that clients have stored is never taken away. */
export const FILE_TYPES = {
  OTH: 'Other',
  DBG: 'dbGaP Submission File',
  BSM: 'Biospecimen Manifest',
  CLN: 'Clinical Data',
  SEQ: 'Genomic File Data',
  FAM: 'Family Relationship',
  FCM: 'Complex Family',
  FTR: 'Family Trio',
  PDA: 'Participant Details',
  GOB: 'General Observations',
  PTD: 'Participant Diseases',
  PTP: 'Participant Phenotypes',
  ALM: 'Aliquot Manifest',
  BBM: 'Biobank Manifest',
  BCM: 'Biospecimen Collection Manifest',
  S3S: 'S3 Scrape',
  GWO: 'Genomic Workflow Output Manifest',
} as const
export type FileType = keyof typeof FILE_TYPES

const isFileType = (category: string): category is FileType => Object.hasOwn(FILE_TYPES, category)

/** The type that a category is: one that Kids First has not is another. */
export const fileTypeOf = (category: string | null): FileType =>
  category !== null && isFileType(category) ? category : 'OTH'

/** Categories that are types of their own. */
export const NAMED_TYPES: readonly string[] = Object.keys(FILE_TYPES).filter((type) => type !== 'OTH')
