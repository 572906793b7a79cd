/** By which a request is for the bare Workers; any other is for Carrel. */
export const REFERENCE_HOST = 'reference.example.org'
/** A host that is a participant's, as HAT's clients have it. */
export const HAT_HOST = 'ada.example.org'
export const CARREL_HOST = 'carrel.example.org'
/** By which Miniflare gives a request to the Carrel that tells what it asks of storage. */
export const TO_RECORDING = { 'MF-Route-Override': 'recording' }
