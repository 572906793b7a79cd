export type Side = 'carrel' | 'reference';
export type Order = {
    do: 'furnish';
    operatorKey: string;
} | {
    do: 'fill';
    files: number;
} | {
    do: 'prepare';
    operation: string;
    times: number;
}
/** One after the other, from a far edge. */
 | {
    do: 'go';
    times: number;
}
/** The `from`th of what was prepared, and so many after it. */
 | {
    do: 'run';
    side: Side;
    from: number;
    times: number;
};
export type Ran = Readonly<{
    milliseconds: number[];
    wallMilliseconds: number;
    failures: string[];
}>;
/** What one call took: to the answer, and to which places on the way. */
export type Gone = Readonly<{
    milliseconds: number;
    trips: string;
}>;
