import { type Call, type Send } from './client.ts';
export declare const STUDY = "bench";
export declare const path = "/v1/studies/bench";
export declare const NEW_FILE: {
    name: string;
    mediaType: string;
    size: number;
};
/** File `i` is of participant `i % 100`; each tenth is private. */
export declare const fileId: (i: number) => string;
export declare const carrel: (key: string, call: Omit<Call, 'host'>) => Call;
export declare const reference: (call: Omit<Call, 'host'>) => Call;
type Person = Readonly<{
    id: string;
    key: string;
    number: number;
}>;
export type World = Readonly<{
    send: Send;
    files: number;
    /** Person 0, who sends and writes. */
    ada: Person;
    /** Person 1, who has sent all that they will, and reads. */
    bob: Person;
    worker: string;
    staff: string;
    /** The number of a file of the study with content, and the study's. */
    download: {
        file: number;
        study: number;
    };
}>;
export declare function migrate(send: Send): Promise<void>;
/** Complete files and their versions, as completions would have left them. They have no objects. */
export declare function addFiles(send: Send, { from, to }: {
    from: number;
    to: number;
}): Promise<void>;
/** Begins a file as its participant, and puts its bytes where they would be sent; answers with the upload. */
export declare function arrived(send: Send, key: string): Promise<string>;
export declare function aWorld(send: Send, operator: string): Promise<World>;
export {};
