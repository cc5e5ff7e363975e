/**
 * What S3 says of itself, and whether artifacts can be kept there: each permission is tried by doing, on one object below the prefix
 * that is deleted at the end.
 */
import type { S3Client } from '@aws-sdk/client-s3'
import {
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { systemClock } from '../../kernel/clock.ts'
import type { StoreProblem, StoreReport } from '../../ports/inspection.ts'
import type { Fact } from '../report.ts'
import { clockFact, problemOf, roundTripOf } from '../report.ts'
import type { S3 } from './client.ts'
import { isConditionFailed } from './errors.ts'

/** S3 refuses requests that are signed 15 minutes off. */
const mostAheadMs = 60_000

export async function inspectBucket(s3: S3, bucket: string, below: string): Promise<StoreReport> {
  const [facts, problems]: [Fact[], StoreProblem[]] = [[], []]
  const where = `s3://${bucket}/${below}`.replace(/\/$/, '') + (s3.endpoint === null ? '' : ` at ${s3.endpoint}`)
  let [version, roundTripMs]: [string | null, number | null] = [null, null]
  const failed = (error: unknown, action: string, severity: StoreProblem['severity'] = 'error'): void => {
    const known = s3.failure(error, { action, where: `s3://${bucket}/${below}` })
    problems.push({ ...problemOf(known, 'See the log of the S3 service.'), severity })
  }
  try {
    const asked = await askList(s3.client, bucket, below)
    ;({ version, roundTripMs } = asked)
    facts.push({ name: 'region', value: await s3.client.config.region() })
    facts.push({ name: 'versioning', value: await versioning(s3.client, bucket) })
    if (asked.aheadMs !== null) problems.push(...clockFact(asked.aheadMs, mostAheadMs).problems)
    await tryObject(s3.client, bucket, `${below}.sixfold-probe`, facts, failed)
  } catch (error) {
    failed(error, 's3:ListBucket')
  }
  return { technology: 'S3', where, version, roundTripMs, facts, problems }
}

interface Answered {
  /** What serves it, as it names itself: S3 has no version to ask for. */
  readonly version: string | null
  readonly roundTripMs: number
  readonly aheadMs: number | null
}

async function askList(client: S3Client, bucket: string, below: string): Promise<Answered> {
  let [version, aheadMs]: [string | null, number | null] = [null, null]
  const clock = systemClock()
  const roundTripMs = await roundTripOf(() => {
    const question = new ListObjectsV2Command({ Bucket: bucket, Prefix: below, MaxKeys: 1 })
    question.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args)
        const { headers = {} } = result.response as { readonly headers?: Readonly<Record<string, string>> }
        version = headers['server'] ?? null
        const date = Date.parse(headers['date'] ?? '')
        // It is told in whole seconds.
        aheadMs = Number.isNaN(date) ? null : date + 500 - clock.now()
        return result
      },
      { step: 'deserialize', name: 'sixfoldHeaders' },
    )
    return client.send(question)
  })
  return { version, aheadMs, roundTripMs }
}

async function versioning(client: S3Client, bucket: string): Promise<string> {
  try {
    return (await client.send(new GetBucketVersioningCommand({ Bucket: bucket }))).Status?.toLowerCase() ?? 'off'
  } catch {
    // Not a right that the store needs.
    return 'not told'
  }
}

async function tryObject(
  client: S3Client,
  bucket: string,
  key: string,
  facts: Fact[],
  failed: (error: unknown, action: string, severity?: StoreProblem['severity']) => void,
): Promise<void> {
  const object = { Bucket: bucket, Key: key }
  try {
    await client.send(new PutObjectCommand({ ...object, Body: 'sixfold' }))
  } catch (error) {
    failed(error, 's3:PutObject')
    return
  }
  try {
    const { Body } = await client.send(new GetObjectCommand(object))
    await Body?.transformToByteArray()
  } catch (error) {
    failed(error, 's3:GetObject')
  }
  facts.push({ name: 'conditional writes', value: await conditionalWrites(client, object) })
  try {
    await client.send(new DeleteObjectCommand(object))
  } catch (error) {
    // The store deletes nothing; only the probe stays, always the same one.
    failed(error, 's3:DeleteObject', 'warning')
  }
}

/** Without them an artifact that two put at once is written twice, with the same bytes. */
async function conditionalWrites(
  client: S3Client,
  object: { readonly Bucket: string; readonly Key: string },
): Promise<string> {
  try {
    await client.send(new PutObjectCommand({ ...object, Body: 'sixfold', IfNoneMatch: '*' }))
    return 'ignored'
  } catch (error) {
    return isConditionFailed(error) ? 'honoured' : 'unknown to it'
  }
}
