import type { Measured } from './measure.ts';
export declare const tableOf: (measured: readonly Measured[], { isHeaded }: {
    isHeaded: boolean;
}) => string;
export declare function verdictOf(measured: readonly Measured[]): {
    isMet: boolean;
    text: string;
};
