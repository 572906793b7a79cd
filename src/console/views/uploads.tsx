/** @jsxImportSource preact */
import type { TargetedEvent } from 'preact'
import { useState } from 'preact/hooks'
import { Field } from '../parts/field.tsx'
import { sizeText } from '../parts/format.ts'
import { ProblemMessage } from '../parts/problem.tsx'
import { hrefOf } from '../route.ts'
import { useSession } from '../session.ts'
import { ChooseFiles, useSaying } from '../uploads/drop-zone.tsx'
import type { UploadSaying } from '../uploads/kept.ts'
import { giveFile, remove, removeDone, useUploads } from '../uploads/queue.ts'
import type { Upload } from '../uploads/upload.ts'

export function View() {
  const uploads = useUploads()
  return (
    <>
      <div class="head">
        <h1>Uploads</h1>
        <ChooseFiles />
      </div>
      <p>
        Choose files, or drop them anywhere in this window. One that was interrupted goes on where it was: sign in with
        the same key and choose the file again.
      </p>
      <HowTheyAre />
      {uploads.length === 0 ? (
        <p class="empty">Nothing is on its way.</p>
      ) : (
        <ul class="uploads">
          {uploads.map((upload) => (
            <Row key={upload.kept.id} upload={upload} />
          ))}
        </ul>
      )}
      {uploads.some(({ state }) => state === 'done') && (
        <button type="button" onClick={removeDone}>
          Clear what is done
        </button>
      )}
    </>
  )
}

const VISIBILITIES = ['private', 'study', 'public'] as const
const visibilityOf = (value: string) => VISIBILITIES.find((one) => one === value)

const VISIBLE = {
  private: 'only their owner',
  study: 'the study team too',
  public: 'everyone with the address',
} as const

/** Whose a file is going to be; undefined where that is whoever sends it. */
const ownerText = ({ participant }: UploadSaying): string | undefined =>
  participant === null ? "the study's own" : participant

function howText(saying: UploadSaying): string {
  const owner = ownerText(saying) ?? 'your own'
  return saying.visibility === undefined ? owner : `${owner}, seen by ${VISIBLE[saying.visibility]}`
}

function HowTheyAre() {
  const { role } = useSession()
  const { saying, changeSaying } = useSaying()
  const own = ({ currentTarget }: TargetedEvent<HTMLInputElement>) => {
    const id = currentTarget.value.trim()
    changeSaying({ participant: id === '' ? null : id })
  }
  return (
    <details class="card">
      <summary>
        Whose they are, and who may see them: <bdi>{howText(saying)}</bdi>
      </summary>
      <div class="columns">
        {role !== 'participant' && (
          <Field label="Participant" hint="Their id. Empty: the files are the study's own.">
            {(named) => <input {...named} value={saying.participant ?? ''} spellcheck={false} onInput={own} />}
          </Field>
        )}
        <Field label="Visibility">
          {(named) => (
            <select
              {...named}
              value={saying.visibility ?? ''}
              onChange={({ currentTarget }) => changeSaying({ visibility: visibilityOf(currentTarget.value) })}
            >
              <option value="">As the study has it</option>
              <option value="private">Only their owner</option>
              <option value="study">The study team too</option>
              <option value="public">Everyone with the address</option>
            </select>
          )}
        </Field>
      </div>
    </details>
  )
}

const STATES: Record<Upload['state'], string> = {
  fileless: 'Interrupted: choose the file again to go on',
  waiting: 'Waiting',
  sending: 'Uploading',
  paused: 'Paused',
  failed: 'Failed',
  done: 'Done',
}

function saidOf({ state, progress, kept }: Upload): string {
  if (state === 'done' || state === 'waiting' || kept.size === 0) return `${STATES[state]} · ${sizeText(kept.size)}`
  const percent = Math.floor((100 * progress.confirmedBytes) / kept.size)
  return `${STATES[state]} · ${percent} % of ${sizeText(kept.size)}`
}

function Row({ upload }: Readonly<{ upload: Upload }>) {
  const { kept, state, progress, failure, result } = upload
  const [refusal, setRefusal] = useState<unknown>()
  const heading = `upload-${kept.id}`
  const owner = ownerText(kept.saying)
  return (
    <li class="card upload" aria-labelledby={heading}>
      <p class="name" id={heading}>
        {state === 'done' && result !== undefined ? (
          <a href={hrefOf('files', [result])}>
            <bdi>{kept.name}</bdi>
          </a>
        ) : (
          <bdi>{kept.name}</bdi>
        )}
      </p>
      <p class="quiet">
        <span>{saidOf(upload)}</span>
        {owner !== undefined && (
          <>
            {' · '}
            <bdi>{owner}</bdi>
          </>
        )}
      </p>
      {state !== 'done' && (
        <progress
          aria-label={`Progress of ${kept.name}`}
          max={Math.max(1, kept.size)}
          value={progress.confirmedBytes}
        />
      )}
      {state === 'failed' && <ProblemMessage failure={failure} />}
      <ProblemMessage failure={refusal} />
      <div class="actions">
        <Controls upload={upload} onRefused={setRefusal} />
        <button
          type="button"
          class="plain"
          aria-label={`${state === 'done' ? 'Clear' : 'Give up'} ${kept.name}`}
          onClick={() => void remove(upload).catch(setRefusal)}
        >
          {state === 'done' ? 'Clear' : 'Give up'}
        </button>
      </div>
    </li>
  )
}

type ControlsProps = Readonly<{ upload: Upload; onRefused: (failure: unknown) => void }>

function Controls({ upload, onRefused }: ControlsProps) {
  const { state, kept } = upload
  if (state === 'fileless') {
    return (
      <label class="button main">
        Choose the file again
        <input
          type="file"
          class="unseen"
          aria-label={`Choose ${kept.name} again`}
          onChange={({ currentTarget }) => {
            const [file] = currentTarget.files ?? []
            onRefused(undefined)
            try {
              if (file !== undefined) giveFile(upload, file)
            } catch (failure) {
              onRefused(failure)
            }
          }}
        />
      </label>
    )
  }
  if (state === 'sending' || state === 'waiting') {
    return (
      <button type="button" aria-label={`Pause ${kept.name}`} onClick={() => upload.pause()}>
        Pause
      </button>
    )
  }
  if (state === 'done') return null
  const label = state === 'paused' ? 'Go on' : 'Try again'
  return (
    <button type="button" aria-label={`${label}: ${kept.name}`} onClick={() => upload.resume()}>
      {label}
    </button>
  )
}
