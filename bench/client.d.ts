import { type IncomingHttpHeaders } from 'node:http';
export type Call = Readonly<{
    method: 'GET' | 'POST' | 'PUT';
    host: string;
    path: string;
    headers?: Readonly<Record<string, string>>;
    /** Text as it is, anything else as JSON. */
    body?: unknown;
}>;
export type Answer = Readonly<{
    status: number;
    text: string;
    headers: IncomingHttpHeaders;
}>;
export type Send = (call: Call) => Promise<Answer>;
export declare function clientOf(port: number, connections: number): Send;
/** The answer's JSON. @throws Error for one that is not 2xx */
export declare function ok<Body>(answer: Promise<Answer>): Promise<Body>;
