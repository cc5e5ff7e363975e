/** S3: the Versity Gateway, which keeps objects as files. Buckets are addressed by path. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { versityProgram } from '../../scripts/installed.mjs'
import { freePort } from './port.ts'
import type { Service } from './process.ts'
import { dataFolder, startService } from './process.ts'

export interface S3Service extends Service {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly region: string
  /** Creates a bucket, and gives its name. */
  bucket(name: string): Promise<string>
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
  const bucket = async (name: string): Promise<string> => {
    const credentials = { accessKeyId, secretAccessKey }
    const client = new S3Client({ endpoint: url, region, forcePathStyle: true, credentials })
    await client.send(new CreateBucketCommand({ Bucket: name }))
    client.destroy()
    return name
  }
  return { ...service, accessKeyId, secretAccessKey, region, bucket }
}
