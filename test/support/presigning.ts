import { AwsClient } from 'aws4fetch'
import { createPresigner } from '../../src/storage/presign.ts'

// A Worker that presigns a hundred parts, again and again, in Carrel's way or by as many fresh clients: what uses its
// processor is nothing else.

const PARTS = 100
const SECONDS = 3_600
const BYTES = 8 * 1024 * 1024
const OBJECT_KEY = 'study/ver_01k9z3m8qe5w7v2n4h6j8k0r2t.0f8e6d2c4b1a09f8e7d6c5b4a3928170'
const MULTIPART_ID = 'AHh0ZXN0LW11bHRpcGFydC11cGxvYWQtaWQ'

const s3 = {
  endpoint: 'https://account.r2.cloudflarestorage.com',
  bucket: 'carrel',
  accessKeyId: 'AKID',
  secretAccessKey: 'of nothing that there is',
}
const numbers = Array.from({ length: PARTS }, (_, index) => index + 1)

async function inOneCall(): Promise<string[]> {
  const presigner = createPresigner(s3, undefined)
  const now = new Date()
  const part = { objectKey: OBJECT_KEY, multipartId: MULTIPART_ID, now, bytes: BYTES, md5: null }
  const expiresAt = new Date(now.getTime() + SECONDS * 1000)
  const puts = numbers.map(async (partNumber) => presigner.part({ ...part, expiresAt, partNumber }))
  return (await Promise.all(puts)).map(({ url }) => url)
}

async function byFreshClients(): Promise<string[]> {
  const urls: string[] = []
  for (const number of numbers) {
    const aws = new AwsClient({ ...s3, service: 's3', region: 'auto' })
    const asked = new URL(`${s3.endpoint}/${s3.bucket}/${OBJECT_KEY}`)
    asked.search = `partNumber=${number}&uploadId=${MULTIPART_ID}&X-Amz-Expires=${SECONDS}`
    const headers = { 'content-length': String(BYTES) }
    const signing = { method: 'PUT', headers, aws: { signQuery: true, allHeaders: true } }
    urls.push((await aws.sign(asked, signing)).url)
  }
  return urls
}

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    const sign = pathname === '/call' ? inOneCall : byFreshClients
    let urls: string[] = []
    for (let times = Number(searchParams.get('times')); times > 0; times -= 1) urls = await sign()
    return Response.json(urls)
  },
}
