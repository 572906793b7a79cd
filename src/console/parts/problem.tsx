/** @jsxImportSource preact */
import { CarrelError } from '../../client/index.ts'

/** What a failure says to a person: the service's own words. */
export const sayingOf = (failure: unknown): string => {
  if (!(failure instanceof CarrelError)) return 'Something went wrong in this page. Load it anew and try again.'
  if (failure.code === 'network') return 'The service cannot be reached. Check the connection and try again.'
  if (failure.code === 'unauthenticated') return 'This key is not good, or no longer.'
  return failure.detail
}

/** A failure, told at once to who does not see it; nothing where there is none. */
export function ProblemMessage({ failure }: Readonly<{ failure: unknown }>) {
  if (failure === undefined) return null
  const { errors, requestId } = failure instanceof CarrelError ? failure : { errors: [], requestId: undefined }
  return (
    <div class="problem" role="alert">
      <p>{sayingOf(failure)}</p>
      {errors.length > 0 && (
        <ul>
          {errors.map(({ pointer, message }) => (
            <li key={pointer}>
              <code>{pointer}</code> {message}
            </li>
          ))}
        </ul>
      )}
      {requestId !== undefined && <p class="quiet">Request {requestId}</p>}
    </div>
  )
}
