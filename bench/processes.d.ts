import type { Order } from './load.ts';
export type Service = Awaited<ReturnType<typeof startService>>;
export declare function startService({ inspectorPort, isFar }?: {
    inspectorPort?: number;
    isFar?: boolean;
}): Promise<{
    order: (what: Order) => Promise<unknown>;
    port: number;
    cpuMilliseconds: () => number;
    residentBytes: () => number;
    stop: () => Promise<void>;
}>;
