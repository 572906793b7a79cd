/** The one place that writes to the log: an object a line, made of what is named here and nothing else. */
export function log(entry: Readonly<Record<string, string | number | boolean | undefined>>): void {
  // oxlint-disable-next-line no-console -- this is what the platform collects
  console.log(JSON.stringify(entry))
}

/** What was not foreseen, for those who mend it: where it came from, never what it was about. */
export function logFailure(requestId: string, failure: unknown): void {
  const { name, stack, cause } =
    failure instanceof Error ? failure : { name: typeof failure, stack: '', cause: undefined }
  log({
    requestId,
    failure: name,
    cause: cause instanceof Error ? cause.name : undefined,
    // The first line of a stack repeats the message, which may quote what was stored.
    stack: stack
      ?.split('\n')
      .filter((each) => each.trimStart().startsWith('at '))
      .slice(0, 8)
      .join('\n'),
  })
}

/** What a job did. */
export const logJob = (job: string, counts: Readonly<Record<string, number>>): void => log({ job, ...counts })
