/** What each operation takes from a far edge, and what it goes for there. */
export declare function benchFar(say: (text: string) => void): Promise<boolean>;
