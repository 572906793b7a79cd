import { type Call } from './client.ts';
import { type World } from './world.ts';
/** What the bare Worker is held against, and by how much it may be exceeded. */
export type Kind = 'read' | 'write';
export declare const TARGETS: Readonly<Record<Kind, number>>;
/** The calls of time `i`: what the second of two asks follows from what the first was told. */
export type Asked = Readonly<{
    first: Call;
    next?: (told: string) => Call;
}>;
type Asking = (i: number) => Asked;
export type Operation = Readonly<{
    name: string;
    kind: Kind;
    /** Its calls, where there is more than one. */
    steps?: readonly string[];
    /** What has to be there before so many are measured; how each is then asked for, of either. */
    prepare: (world: World, times: number) => Promise<Readonly<{
        carrel: Asking;
        reference: Asking;
    }>>;
}>;
export declare const OPERATIONS: readonly Operation[];
export {};
