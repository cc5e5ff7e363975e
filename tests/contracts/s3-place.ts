/** S3 for a test: credentials where the driver looks for them, and a client of the test's own. */
import { S3Client } from '@aws-sdk/client-s3'
import type { S3Options } from '../../src/adapters/s3/client.ts'
import type { S3Service } from '../services/index.ts'
import { startS3 } from '../services/index.ts'

export interface S3Place {
  readonly service: S3Service
  /** For what the store does not do. */
  readonly client: S3Client
  readonly options: S3Options
  bucket(name: string): Promise<string>
  close(): Promise<void>
}

export async function s3Place(): Promise<S3Place> {
  const service = await startS3()
  process.env['AWS_ACCESS_KEY_ID'] = service.accessKeyId
  process.env['AWS_SECRET_ACCESS_KEY'] = service.secretAccessKey
  const { url: endpoint, region } = service
  const client = new S3Client({ endpoint, region, forcePathStyle: true })
  return {
    service,
    client,
    options: { endpoint, region, pathStyle: true, patienceMs: 10_000 },
    bucket: service.bucket,
    close: async () => {
      client.destroy()
      await service.close()
    },
  }
}
