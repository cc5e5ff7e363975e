/**
 * A file into an object, in constant memory: in parts where it is large. An object appears whole at the end of its upload, or not
 * at all. Each part goes with a checksum that S3 compares.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import type { PutObjectCommandInput } from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { SixfoldError } from '../../kernel/errors.ts'
import type { S3 } from './client.ts'

export interface Sent {
  readonly path: string
  readonly sha256: string
  readonly bytes: number
}

export type Target = Required<Pick<PutObjectCommandInput, 'Bucket' | 'Key'>> &
  Pick<PutObjectCommandInput, 'IfNoneMatch' | 'Metadata' | 'ContentType'>

const partBytes = 8 * 1024 * 1024
/** S3 takes no more. */
const mostParts = 10_000
/** As many parts are in memory. */
const partsAtOnce = 3

export async function upload(s3: S3, sent: Sent, target: Target): Promise<void> {
  await new Upload({
    client: s3.client,
    params: { ...target, Body: Readable.from(verified(sent), { objectMode: true, highWaterMark: 1 }) },
    partSize: Math.max(partBytes, Math.ceil(sent.bytes / (mostParts - 1))),
    queueSize: partsAtOnce,
  }).done()
}

/** Ends only where what was read is what was announced; else the last part is not sent, and the upload is given up. */
async function* verified({ path, sha256, bytes }: Sent): AsyncGenerator<Buffer> {
  const hash = createHash('sha256')
  let read = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    read += chunk.length
    if (read > bytes) break
    yield chunk
  }
  if (read !== bytes || hash.digest('hex') !== sha256)
    throw new SixfoldError('SX_ARTIFACT_INVALID', `The file '${path}' was changed while it was sent.`, {
      fix: 'Send it again when it is no longer written to. Nothing was stored.',
    })
}
