/** S3: the Versity Gateway, which keeps objects as files. Buckets are the test's to create; addressed by path. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { versityProgram } from '../../scripts/installed.mjs'
import { freePort } from './port.ts'
import type { Service } from './process.ts'
import { dataFolder, startService } from './process.ts'

export interface S3Service extends Service {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly region: string
}

export async function startS3(): Promise<S3Service> {
  const [port, folder] = [await freePort(), await dataFolder('s3')]
  const [accessKeyId, secretAccessKey, region] = ['sixfold', 'sixfold-secret', 'us-east-1']
  const [objects, attributes, versions] = ['objects', 'attributes', 'versions'].map((name) => join(folder, name))
  await Promise.all([objects, attributes, versions].map((path) => mkdir(path!)))
  const url = `http://127.0.0.1:${port}`
  const service = await startService({
    name: 's3',
    port,
    folder,
    url,
    command: [
      versityProgram,
      ...['--port', `127.0.0.1:${port}`, '--region', region, '--quiet'],
      // Attributes in files beside the objects: not every file system that holds temporary folders has its own.
      ...['posix', '--sidecar', attributes!, '--versioning-dir', versions!, objects!],
    ],
    env: { ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey },
    stopSignal: 'SIGTERM',
    healthy: async () => {
      // Refused for want of a signature, but answered.
      const { status } = await fetch(url, { signal: AbortSignal.timeout(2_000) })
      if (status !== 403) throw new Error(`s3 answers ${status}`)
    },
  })
  return { ...service, accessKeyId, secretAccessKey, region }
}
