/** Milliseconds from a far edge to what answers there, and back. */
export const DELAYS = { primary: 120, replica: 8, kvHit: 5, kvMiss: 60, kvWrite: 60, r2: 40 } as const
export type Trip = keyof typeof DELAYS

/** Where each answer says what it went for, in order. */
export const TRIPS_HEADER = 'Bench-Trips'
