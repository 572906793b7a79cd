/** @jsxImportSource preact */
import type { TargetedSubmitEvent } from 'preact'
import { Field, filledIn } from '../parts/field.tsx'
import { ProblemMessage } from '../parts/problem.tsx'
import { useTask } from '../parts/task.ts'
import { useToast } from '../parts/toasts.tsx'
import { useSession } from '../session.ts'
import type { OfFile } from './file.tsx'

const VISIBILITIES = ['private', 'study', 'public'] as const
const orNull = (text: string) => (text === '' ? null : text)
const tagsIn = (text: string) => [...new Set(text.split(',').map((tag) => tag.trim()))].filter((tag) => tag !== '')

/** What is said of a file. It is changed only if nobody else has changed it since. */
export function Details({ file, onChange }: OfFile) {
  const { carrel } = useSession()
  const say = useToast()
  const { failure, isBusy, run } = useTask()
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault()
    const said = filledIn(event.currentTarget)
    const visibility = VISIBILITIES.find((one) => one === said('visibility')) ?? file.visibility
    const changes = {
      name: said('name'),
      title: orNull(said('title')),
      category: orNull(said('category')),
      description: orNull(said('description')),
      tags: tagsIn(said('tags')),
      // Only its owner may say it, even where it stays.
      ...(visibility === file.visibility ? {} : { visibility }),
    }
    run(async () => {
      await carrel.files.update(file.id, changes, { ifMatch: file.etag })
      say('Saved.')
      onChange()
    })
  }
  return (
    <details class="card">
      <summary>Name, category, tags and visibility</summary>
      <form onSubmit={submit}>
        <div class="columns">
          <Field label="Name">
            {(named) => <input {...named} name="name" required maxLength={255} defaultValue={file.name} />}
          </Field>
          <Field label="Title">
            {(named) => <input {...named} name="title" maxLength={1_000} defaultValue={file.title ?? ''} />}
          </Field>
          <Field label="Category">
            {(named) => <input {...named} name="category" maxLength={255} defaultValue={file.category ?? ''} />}
          </Field>
          <Field label="Tags" hint="With commas between them.">
            {(named) => <input {...named} name="tags" defaultValue={file.tags.join(', ')} />}
          </Field>
          <Field label="Visibility">
            {(named) => (
              <select {...named} name="visibility" defaultValue={file.visibility}>
                <option value="private">Only its owner</option>
                <option value="study">The study team too</option>
                <option value="public">Everyone with the address</option>
              </select>
            )}
          </Field>
        </div>
        <Field label="Description">
          {(named) => (
            <textarea {...named} name="description" maxLength={10_000} defaultValue={file.description ?? ''} />
          )}
        </Field>
        <ProblemMessage failure={failure} />
        <div class="actions">
          <button type="submit" class="main" aria-disabled={isBusy}>
            Save
          </button>
        </div>
      </form>
    </details>
  )
}
