/** Milliseconds from a far edge to what answers there, and back. */
export declare const DELAYS: {
    readonly primary: 120;
    readonly replica: 8;
    readonly kvHit: 5;
    readonly kvMiss: 60;
    readonly kvWrite: 60;
    readonly r2: 40;
};
export type Trip = keyof typeof DELAYS;
/** Where each answer says what it went for, in order. */
export declare const TRIPS_HEADER = "Bench-Trips";
