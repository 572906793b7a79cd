/** Milliseconds of CPU that a process and all that is below it have used so far, in user and kernel mode. */
export declare function cpuMillisecondsOf(root: number): number;
/** What all processors of the machine have done so far, in milliseconds, but for being idle. */
export declare function busyMilliseconds(): number;
