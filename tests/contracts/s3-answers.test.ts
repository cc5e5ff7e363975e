/** Answers of S3 that no service here gives by itself, from a server of the test's: what the store makes of each. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { s3ArtifactStore } from '../../src/adapters/s3/artifact-store.ts'
import type { ArtifactStore } from '../../src/ports/artifact-store.ts'

const root = mkdtempSync(join(tmpdir(), 'sixfold-s3-answers-'))
afterAll(() => rmSync(root, { recursive: true }))
const path = join(root, 'file')
writeFileSync(path, 'contents')
const sha256 = createHash('sha256').update('contents').digest('hex')

const [secret, token] = ['a-secret-nobody-may-see', 'a-token-nobody-may-see']
beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'someone')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', secret)
  vi.stubEnv('AWS_SESSION_TOKEN', token)
  return () => vi.unstubAllEnvs()
})

interface Answer {
  readonly status: number
  /** S3's code for an error. */
  readonly code?: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** A store on a server that answers as told, and what it was asked. */
async function storeOn(
  answer: (request: IncomingMessage) => Answer,
): Promise<{ store: ArtifactStore; asked: string[] }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      asked.push(`${request.method} ${request.headers['if-none-match'] ?? '-'}`)
      const { status, code, body, headers } = answer(request)
      const error = code && `<Error><Code>${code}</Code><Message>It says ${code}.</Message></Error>`
      response.writeHead(status, { 'content-type': 'application/xml', ...headers })
      response.end(request.method === 'HEAD' ? undefined : (error ?? body))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const store = s3ArtifactStore({
    ...{ endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, region: null, pathStyle: true },
    ...{ patienceMs: 1_000, bucket: 'b', prefix: 'p', cacheFolder: join(root, 'cache') },
  })
  onTestFinished(async () => {
    await store.close()
    server.closeAllConnections()
    server.close()
  })
  return { store, asked }
}
const empty = '<ListBucketResult></ListBucketResult>'
const missing = { status: 404, code: 'NoSuchKey' }

it('writes without conditions where the service does not know them, and asks only once', async () => {
  let stored = false
  const { store, asked } = await storeOn(({ method, headers }) => {
    if (method === 'HEAD')
      return stored ? { status: 200, headers: { 'x-amz-meta-sha256': sha256, 'content-length': '8' } } : missing
    if (headers['if-none-match'] !== undefined) return { status: 501, code: 'NotImplemented' }
    stored = true
    return { status: 200 }
  })
  expect(await store.put(path)).toEqual({ sha256, bytes: 8 })
  expect(asked).toEqual(['HEAD -', 'PUT *', 'HEAD -', 'PUT -', 'HEAD -'])
  stored = false
  asked.length = 0
  await store.put(path)
  expect(asked).toEqual(['HEAD -', 'PUT -', 'HEAD -'])
})

it('takes it for done where another was quicker', async () => {
  let there = false
  const { store, asked } = await storeOn(({ method }) => {
    if (method === 'HEAD')
      return there ? { status: 200, headers: { 'x-amz-meta-sha256': sha256, 'content-length': '8' } } : missing
    there = true
    return { status: 412, code: 'PreconditionFailed' }
  })
  expect(await store.put(path)).toEqual({ sha256, bytes: 8 })
  expect(asked).toEqual(['HEAD -', 'PUT *', 'HEAD -'])
})

it('tries again while it is told to slow down, or of an error within', async () => {
  const answers: Answer[] = [
    { status: 503, code: 'SlowDown' },
    { status: 500, code: 'InternalError' },
    { status: 200, body: empty },
  ]
  const { store, asked } = await storeOn(() => answers.shift()!)
  expect(await store.has(sha256)).toBe(false)
  expect(asked).toHaveLength(3)
})

it('does not take an upload for done that is not there afterwards', async () => {
  const { store } = await storeOn(({ method }) => (method === 'HEAD' ? missing : { status: 200 }))
  await expect(store.put(path)).rejects.toMatchObject({
    code: 'SX_STORE_UNAVAILABLE',
    message: expect.stringContaining(`s3://b/p/${sha256.slice(0, 2)}/${sha256}`),
  })
})

it('says in the terms of the catalogue what is refused, and shows no secret', { timeout: 30_000 }, async () => {
  for (const [answer, code, told, fix] of [
    [{ status: 403, code: 'AccessDenied' }, 'SX_STORE_DENIED', /s3:ListBucket is refused/, /Grant s3:ListBucket/],
    [{ status: 403, code: 'InvalidAccessKeyId' }, 'SX_STORE_DENIED', /credentials are refused/, /AWS_ACCESS_KEY_ID/],
    [{ status: 403, code: 'SignatureDoesNotMatch' }, 'SX_STORE_DENIED', /are refused/, /AWS_SECRET_ACCESS_KEY/],
    [{ status: 400, code: 'ExpiredToken' }, 'SX_STORE_DENIED', /have expired/, /AWS_SESSION_TOKEN/],
    [{ status: 403, code: 'RequestTimeTooSkewed' }, 'SX_STORE_DENIED', /agree on the time/, /clock/],
    [{ status: 301, code: 'PermanentRedirect' }, 'SX_STORE_DENIED', /another region/, /AWS_REGION/],
    [{ status: 400, code: 'AuthorizationHeaderMalformed' }, 'SX_STORE_DENIED', /another region/, /AWS_REGION/],
    [{ status: 404, code: 'NoSuchBucket' }, 'SX_STORE_DENIED', /no such bucket/, /Create the bucket/],
    [{ status: 507, code: 'XMinioStorageFull' }, 'SX_STORAGE_FULL', /no space is left/, /Free space/],
    [{ status: 503, code: 'ServiceUnavailable' }, 'SX_STORE_UNAVAILABLE', /no answer to s3:ListBucket/, /doctor/],
    [{ status: 400, code: 'SomethingNew' }, 'SX_STORE_UNAVAILABLE', /answered with SomethingNew \(400\)/, /doctor/],
  ] as const) {
    const { store } = await storeOn(() => answer)
    const error = await store.has(sha256).catch((reason: unknown) => reason)
    expect(error, answer.code).toMatchObject({
      code,
      message: expect.stringMatching(told),
      fix: expect.stringMatching(fix),
    })
    expect((error as Error).message).toContain('s3://b/p/')
    const shown = inspect(error, { depth: 20, showHidden: true })
    for (const hidden of [secret, token]) expect(shown).not.toContain(hidden)
  }
})

it('says that there are no credentials', { timeout: 30_000 }, async () => {
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_PROFILE'])
    vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(root, 'none'))
  vi.stubEnv('AWS_CONFIG_FILE', join(root, 'none'))
  const { store } = await storeOn(() => ({ status: 200, body: empty }))
  await expect(store.size()).rejects.toMatchObject({
    code: 'SX_STORE_DENIED',
    message: expect.stringContaining('no credentials'),
    fix: expect.stringContaining('AWS_ACCESS_KEY_ID'),
  })
})

it('warns of a clock that differs, and tells which permission is missing', async () => {
  const { store } = await storeOn(({ method }) => {
    if (method === 'DELETE') return { status: 403, code: 'AccessDenied' }
    if (method === 'PUT') return { status: 200, headers: { etag: '"e"' } }
    return { status: 200, body: empty, headers: { date: new Date(Date.now() - 300_000).toUTCString(), server: 'Fake' } }
  })
  const report = await store.inspect()
  expect(report).toMatchObject({ version: 'Fake', problems: [{ severity: 'warning' }, { severity: 'warning' }] })
  expect(report.facts).toContainEqual({ name: 'conditional writes', value: 'ignored' })
  expect(report.problems[0]!.what).toMatch(/30[01] s behind/)
  expect(report.problems[1]!.what).toMatch(/s3:DeleteObject is refused/)
})
