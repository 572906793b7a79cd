import { logFailure } from '../log.ts'

/** Text on its way as it is made. What fails breaks the answer off, so that nobody takes it for whole. */
export const streamOf = (parts: AsyncGenerator<string>, requestId: string): ReadableStream =>
  new ReadableStream<string>({
    async pull(controller) {
      try {
        const { done, value } = await parts.next()
        if (done === true) controller.close()
        else controller.enqueue(value)
      } catch (failure) {
        logFailure(requestId, failure)
        controller.error(failure)
      }
    },
    cancel: async () => void (await parts.return(undefined)),
  }).pipeThrough(new TextEncoderStream())
