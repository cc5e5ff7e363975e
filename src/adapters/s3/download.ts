/**
 * An object into a file of this machine, in constant memory. A connection that breaks in its midst goes on from there, and only
 * with the object it began with: what is written is one object, never a mixture.
 */
import type { Hash } from 'node:crypto'
import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { pause, pauseAfter } from '../../kernel/persist.ts'
import type { S3 } from './client.ts'
import { isConnectionLost } from './errors.ts'

export interface Wanted {
  readonly bucket: string
  readonly key: string
  /** The object must be this one; null for the one that is there. */
  readonly etag: string | null
}

export interface Downloaded {
  readonly sha256: string
  readonly bytes: number
}

/**
 * Writes to `path`, which must not exist, and syncs it. Rejects with the service's own error, of which `isMissing` and
 * `isConditionFailed` tell; what is left of the file is the caller's to remove.
 */
export async function download(
  s3: S3,
  { bucket, key, etag }: Wanted,
  path: string,
  progress: (bytes: number) => void = () => {},
): Promise<Downloaded> {
  const file = await open(path, 'wx')
  try {
    const so: Progress = { file, etag, hash: createHash('sha256'), bytes: 0, total: null }
    let lastByteAt = performance.now()
    for (let failures = 0; ; ) {
      const before = so.bytes
      try {
        await receive(s3, bucket, key, so, progress)
        await file.sync()
        return { sha256: so.hash.digest('hex'), bytes: so.bytes }
      } catch (error) {
        if (so.bytes > before) {
          failures = 0
          lastByteAt = performance.now()
        }
        if (s3.closing.aborted || !isConnectionLost(error) || performance.now() - lastByteAt >= s3.patienceMs)
          throw error
      }
      await pause(pauseAfter(++failures), s3.closing)
    }
  } finally {
    await file.close()
  }
}

interface Progress {
  readonly file: FileHandle
  etag: string | null
  hash: Hash
  bytes: number
  total: number | null
}

async function receive(
  s3: S3,
  bucket: string,
  key: string,
  so: Progress,
  progress: (bytes: number) => void,
): Promise<void> {
  // All is there, but the connection broke before its end was seen: a range behind the end would be refused.
  if (so.total !== null && so.bytes === so.total) return
  const answer = await s3.client.send(
    new GetObjectCommand({
      Bucket: bucket,
      Key: key,
      ...(so.etag === null ? {} : { IfMatch: so.etag }),
      ...(so.bytes === 0 ? {} : { Range: `bytes=${so.bytes}-` }),
    }),
  )
  so.etag ??= answer.ETag ?? null
  if (so.bytes > 0 && (answer.ContentRange === undefined || so.etag === null)) {
    // A service without ranges or tags sends it all again.
    so.hash = createHash('sha256')
    so.bytes = 0
    await so.file.truncate(0)
  }
  so.total = so.bytes + (answer.ContentLength ?? Number.NaN)
  for await (const chunk of answer.Body as AsyncIterable<Uint8Array>) {
    await so.file.write(chunk, 0, chunk.length, so.bytes)
    so.hash.update(chunk)
    so.bytes += chunk.length
    progress(chunk.length)
  }
  if (!Number.isNaN(so.total) && so.bytes !== so.total)
    throw Object.assign(new Error(`The answer ended after ${so.bytes} of ${so.total} bytes.`), { code: 'ECONNRESET' })
}
