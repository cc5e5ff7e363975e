/**
 * Parquet files in S3, for DuckDB to read here. A request sees the objects that one listing named: each is downloaded on condition
 * that it is still that one, and where one is not, all is listed again.
 */
import { mkdir } from 'node:fs/promises'
import { HeadObjectCommand, ListObjectsV2Command, paginateListObjectsV2 } from '@aws-sdk/client-s3'
import { SixfoldError } from '../../kernel/errors.ts'
import { hashOfFile } from '../../kernel/files.ts'
import type { StoreProblem, StoreReport } from '../../ports/inspection.ts'
import { fixedPrefix, globMatcher, isGlob } from '../duckdb/glob.ts'
import type { RemoteFiles } from '../duckdb/remote.ts'
import type { Fact } from '../report.ts'
import { problemOf } from '../report.ts'
import type { Version } from './cache.ts'
import { fileCache } from './cache.ts'
import type { S3Options } from './client.ts'
import { openS3 } from './client.ts'
import { download } from './download.ts'
import { isConditionFailed, isMissing, nameOf } from './errors.ts'
import { upload } from './upload.ts'

const downloadsAtOnce = 4
const tries = 3

interface Place {
  readonly bucket: string
  /** Or a glob. */
  readonly key: string
}
interface Listed extends Version {
  readonly key: string
}

export function s3Files(options: S3Options & { readonly cacheFolder: string }): RemoteFiles {
  const { cacheFolder } = options
  const s3 = openS3(options)
  const cache = fileCache(cacheFolder)

  const list = async ({ bucket, key }: Place): Promise<readonly Listed[]> => {
    const [prefix, matches] = [fixedPrefix(key), globMatcher(key)]
    const listed: Listed[] = []
    try {
      const pages = paginateListObjectsV2(
        { client: s3.client },
        {
          Bucket: bucket,
          Prefix: prefix,
          ...(isGlob(key) ? {} : { MaxKeys: 1 }),
          // What lies in folders below is not asked for.
          ...(key.slice(prefix.length).includes('/') || key.includes('**') ? {} : { Delimiter: '/' }),
        },
      )
      for await (const page of pages) {
        for (const { Key = '', Size = 0, ETag = '' } of page.Contents ?? [])
          if (!Key.endsWith('/') && (isGlob(key) ? matches(Key) : Key === key))
            listed.push({ key: Key, url: `s3://${bucket}/${Key}`, bytes: Size, etag: ETag })
        if (!isGlob(key)) break
      }
    } catch (error) {
      throw s3.failure(error, { action: 's3:ListBucket', where: `s3://${bucket}/${prefix}` })
    }
    return listed.sort((a, b) => (a.key < b.key ? -1 : 1))
  }

  const copy = async (
    bucket: string,
    { key, ...version }: Listed,
    progress: (bytes: number) => void,
  ): Promise<string> => {
    try {
      await mkdir(cacheFolder, { recursive: true })
      return await cache.copy(version, async (path) => {
        const { bytes } = await download(s3, { bucket, key, etag: version.etag }, path, progress)
        if (bytes !== version.bytes) throw new Changed(version.url)
      })
    } catch (error) {
      if (isConditionFailed(error) || isMissing(error)) throw new Changed(version.url)
      if (error instanceof Changed) throw error
      throw s3.failure(error, { action: 's3:GetObject', where: version.url, folder: cacheFolder })
    }
  }

  return {
    handles: (path) => path.startsWith('s3://'),
    fetch: async (path, progress) => {
      const place = placeOf(path)
      let changed = path
      for (let i = 0; i < tries; i++) {
        const listed = await list(place)
        const total = listed.reduce((sum, { bytes }) => sum + bytes, 0)
        let done = 0
        try {
          return await atOnce(downloadsAtOnce, listed, async (one) => ({
            url: one.url,
            local: await copy(place.bucket, one, (bytes) => {
              done += bytes
              progress(Math.min(1, done / total))
            }),
          }))
        } catch (error) {
          if (!(error instanceof Changed)) throw error
          changed = error.message
        }
      }
      throw new SixfoldError('SX_HISTORY_UNREADABLE', `'${path}': ${changed} changes while it is read.`, {
        fix: 'Ask again when it is no longer written to.',
      })
    },
    store: async (localPath, remotePath) => {
      const { bucket: Bucket, key: Key } = placeOf(remotePath)
      try {
        const hashed = await hashOfFile(localPath)
        for (let i = 1; ; i++) {
          try {
            await upload(
              s3,
              { path: localPath, ...hashed },
              { Bucket, Key, ContentType: 'application/vnd.apache.parquet' },
            )
            break
          } catch (error) {
            // The answer to its completion was lost, or something cleared it away.
            if (nameOf(error) !== 'NoSuchUpload' || i === tries) throw error
          }
        }
        const { ContentLength } = await s3.client.send(new HeadObjectCommand({ Bucket, Key }))
        if (ContentLength !== hashed.bytes)
          throw new SixfoldError(
            'SX_STORE_UNAVAILABLE',
            `${remotePath} is not what was sent: another program writes there.`,
          )
      } catch (error) {
        throw s3.failure(error, { action: 's3:PutObject', where: remotePath })
      }
    },
    inspect: async (paths) => {
      const [facts, problems]: [Fact[], StoreProblem[]] = [[], []]
      const places = paths.filter((path) => path.startsWith('s3://')).map(placeOf)
      for (const bucket of new Set(places.map((place) => place.bucket))) {
        const prefix = fixedPrefix(places.find((place) => place.bucket === bucket)!.key)
        const began = performance.now()
        try {
          await s3.client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: 1 }))
          facts.push({ name: `s3://${bucket}`, value: `answers in ${(performance.now() - began).toFixed(1)} ms` })
        } catch (error) {
          const known = s3.failure(error, { action: 's3:ListBucket', where: `s3://${bucket}/${prefix}` })
          problems.push(problemOf(known, 'See the log of the S3 service.'))
        }
      }
      return { facts, problems } satisfies Pick<StoreReport, 'facts' | 'problems'>
    },
    close: () => s3.close(),
  }
}

/** An object is no longer the one that was listed. */
class Changed extends Error {}

function placeOf(path: string): Place {
  const [, bucket, key] = /^s3:\/\/([^/*?[]+)\/([\s\S]*[^/])$/.exec(path) ?? []
  if (bucket !== undefined && key !== undefined) return { bucket, key }
  throw new SixfoldError('SX_HISTORY_UNREADABLE', `'${path}' names no file in a bucket.`, {
    fix: 'Write s3://bucket/path/to/file.parquet, or a glob after the bucket.',
  })
}

/** The results in order. After one has failed no other is begun; those under way are waited for. */
async function atOnce<T, R>(limit: number, items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = []
  const queue = [...items.entries()]
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [i, item] = next
      try {
        results[i] = await work(item)
      } catch (error) {
        queue.length = 0
        throw error
      }
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, worker))
  for (const one of ended) if (one.status === 'rejected') throw one.reason
  return results
}
