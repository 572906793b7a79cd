import type { Kind, Operation } from './operations.ts';
import type { Service } from './processes.ts';
export type Figures = Readonly<{
    perSecond: number;
    p50: number;
    p99: number;
    /** Of all processes together: what asks, the service, and its storage. */
    cpuMilliseconds: number;
    /** Of these, of the service and its storage. */
    serviceMilliseconds: number;
}>;
export type Measured = Readonly<{
    operation: string;
    kind: Kind;
    files: number;
    carrel: Figures;
    reference: Figures;
    /** Of the processor's time, Carrel's to the bare Worker's: the middle one of the rounds. */
    ratio: number;
    /** The same without what asks. */
    serviceRatio: number;
    /** How far apart the middle half of the rounds' ratios are, as a part of the middle one. */
    spread: number;
    /** Which part of what the processors did meanwhile was somebody else's. */
    others: number;
}>;
/** In turn, round by round, so that what else the machine does falls on both. */
export declare function measure(service: Service, operation: Operation, { files, isQuick }: {
    files: number;
    isQuick: boolean;
}): Promise<Measured>;
