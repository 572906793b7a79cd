// A button that uploads a video from the phone, a part at a time; ended by the system, it goes on at the next press.
import { createCarrel } from 'carrel/client'
import { getDocumentAsync } from 'expo-document-picker'
import { fetch } from 'expo/fetch'
import { File, Paths } from 'expo-file-system'
import * as SecureStore from 'expo-secure-store'
import { useState } from 'react'
import { Button } from 'react-native'

const carrel = createCarrel({
  url: 'https://carrel.example.org',
  study: 'SD_DEM0DEM0',
  key: async () => (await SecureStore.getItemAsync('key')) ?? undefined,
  fetch,
})
const kept = new File(Paths.document, 'upload.json')

/** What to send: read when it is sent. */
function sourceOf(file: File) {
  const handle = file.open()
  return {
    size: file.size ?? 0,
    slice: async (from: number, to: number) => {
      handle.offset = from
      return handle.readBytes(to - from)
    },
  }
}

async function upload(uri: string, tell: (text: string) => void) {
  await carrel.files.upload(sourceOf(new File(uri)), {
    name: 'gait.mp4',
    mediaType: 'video/mp4',
    onUpload: (saved) => kept.write(JSON.stringify({ uri, saved })),
    onProgress: ({ confirmedBytes, totalBytes }) => tell(`${Math.round((100 * confirmedBytes) / totalBytes)} %`),
    ...(kept.exists && JSON.parse(kept.textSync()).uri === uri && { resume: JSON.parse(kept.textSync()).saved }),
  })
  kept.delete()
}

export function UploadButton() {
  const [title, setTitle] = useState('Upload a video')
  const press = async () => {
    const uri = kept.exists
      ? JSON.parse(kept.textSync()).uri
      : (await getDocumentAsync({ type: 'video/*' })).assets?.[0]?.uri
    if (uri !== undefined) await upload(uri, setTitle)
    setTitle('Upload a video')
  }
  return <Button title={title} onPress={() => void press()} />
}
