/**
 * Artifacts in S3: an object each, named by its contents. S3 shows an object whole or not at all, and under one name there can only
 * be one content, so that processes that put the same at once need no lock.
 *
 * What was opened lies in a folder of this machine, and is opened from there also while S3 is away. It is checked each time.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DeleteObjectCommand, HeadObjectCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3'
import { SixfoldError } from '../../kernel/errors.ts'
import { hashOfFile, storageError } from '../../kernel/files.ts'
import type { ArtifactStore } from '../../ports/artifact-store.ts'
import { artifactName, mustBeReadable } from '../files/contents.ts'
import type { S3Options } from './client.ts'
import { openS3 } from './client.ts'
import { download } from './download.ts'
import { isConditionFailed, isMissing, nameOf, statusOf } from './errors.ts'
import { inspectBucket } from './inspect.ts'
import { upload } from './upload.ts'

export interface S3ArtifactOptions extends S3Options {
  readonly bucket: string
  /** Without a '/' at its ends; empty for the bucket as a whole. */
  readonly prefix: string
  readonly cacheFolder: string
}

/** Each try begins with a look at what is there. */
const tries = 5

export function s3ArtifactStore(options: S3ArtifactOptions): ArtifactStore {
  const { bucket, prefix, cacheFolder } = options
  const s3 = openS3(options)
  const below = prefix === '' ? '' : `${prefix}/`
  const keyOf = (sha256: string): string => `${below}${artifactName(sha256)}`
  const whereOf = (key: string): string => `s3://${bucket}/${key}`
  /** Some services do not know conditional writes. Without them an object may be written twice, with the same bytes. */
  let conditional = true

  /** What lies there, as whoever put it said; null where nothing does. */
  const look = async (key: string): Promise<{ readonly bytes: number; readonly sha256: string } | null> => {
    try {
      const { ContentLength, Metadata } = await s3.client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }))
      return { bytes: ContentLength ?? -1, sha256: Metadata?.['sha256'] ?? '' }
    } catch (error) {
      if (isMissing(error)) return null
      // HEAD is refused without a reason; a list tells it.
      if ([400, 401, 403].includes(statusOf(error)!)) for await (const _ of listed(key)) break
      throw s3.failure(error, { action: 's3:GetObject', where: whereOf(key) })
    }
  }
  /** All objects that are artifacts, and begin with this. */
  async function* listed(start: string): AsyncGenerator<{ readonly sha256: string; readonly bytes: number }> {
    try {
      for await (const page of paginateListObjectsV2({ client: s3.client }, { Bucket: bucket, Prefix: start }))
        for (const { Key = '', Size = 0 } of page.Contents ?? []) {
          const sha256 = Key.slice(-64)
          if (/^[0-9a-f]{64}$/.test(sha256) && Key === keyOf(sha256)) yield { sha256, bytes: Size }
        }
    } catch (error) {
      throw s3.failure(error, { action: 's3:ListBucket', where: whereOf(start) })
    }
  }

  const put: ArtifactStore['put'] = async (path) => {
    await mustBeReadable(path)
    const hashed = await hashOfFile(path)
    const key = keyOf(hashed.sha256)
    for (let i = 0; i < tries; i++) {
      const there = await look(key)
      // Of the right size and put by us: an upload that ended, whoever made it. Anything else is replaced.
      if (there?.bytes === hashed.bytes && there.sha256 === hashed.sha256) return hashed
      try {
        await upload(
          s3,
          { path, ...hashed },
          {
            Bucket: bucket,
            Key: key,
            ContentType: 'application/octet-stream',
            Metadata: { sha256: hashed.sha256 },
            ...(there === null && conditional ? { IfNoneMatch: '*' } : {}),
          },
        )
      } catch (error) {
        if (nameOf(error) === 'NotImplemented' && conditional) conditional = false
        else if (!isConditionFailed(error) && !again.has(nameOf(error)))
          throw s3.failure(error, { action: 's3:PutObject', where: whereOf(key) })
      }
    }
    throw new SixfoldError('SX_STORE_UNAVAILABLE', `${whereOf(key)} is not what was sent, after ${tries} tries.`, {
      fix: 'See whether another program writes there; `sixfold doctor` says more.',
    })
  }

  const open: ArtifactStore['open'] = async (sha256) => {
    const key = keyOf(sha256)
    const cached = join(cacheFolder, artifactName(sha256))
    if (await isWhole(cached, sha256)) return cached
    const temporary = join(cacheFolder, `${randomUUID()}.part`)
    try {
      await mkdir(dirname(cached), { recursive: true })
      const got = await download(s3, { bucket, key, etag: null }, temporary)
      if (got.sha256 !== sha256)
        throw new SixfoldError('SX_ARTIFACT_CORRUPT', `${whereOf(key)} no longer has the contents it is named by.`)
      await rename(temporary, cached)
      return cached
    } catch (error) {
      if (isMissing(error))
        throw new SixfoldError('SX_ARTIFACT_CORRUPT', `The artifact ${sha256} is gone from ${whereOf(key)}.`)
      throw s3.failure(error, { action: 's3:GetObject', where: whereOf(key), folder: cacheFolder })
    } finally {
      await rm(temporary, { force: true }).catch(() => {})
    }
  }

  return {
    put,
    open,
    has: async (sha256) => {
      // A list, since it tells a bucket that is missing from an object that is.
      for await (const _ of listed(keyOf(sha256))) return true
      return false
    },
    list: () => listed(below),
    delete: async (sha256) => {
      const key = keyOf(sha256)
      try {
        // The copy first: what is gone from S3 is not to be opened from here any more.
        await rm(join(cacheFolder, artifactName(sha256)), { force: true })
        await s3.client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }))
      } catch (error) {
        if (!isMissing(error))
          throw s3.failure(error, { action: 's3:DeleteObject', where: whereOf(key), folder: cacheFolder })
      }
    },
    size: async () => {
      let [entries, bytes] = [0, 0]
      for await (const one of listed(below)) {
        entries += 1
        bytes += one.bytes
      }
      return { entries, bytes }
    },
    inspect: async () => inspectBucket(s3, bucket, below),
    close: async () => s3.close(),
  }
}

/** An upload that another ended or broke off, or one that met another: it is looked again at what is there. */
const again = new Set(['NoSuchUpload', 'ConditionalRequestConflict'])

async function isWhole(path: string, sha256: string): Promise<boolean> {
  try {
    await stat(path)
    return (await hashOfFile(path)).sha256 === sha256
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw storageError(error, path)
  }
}
