/**
 * A batch whose rows, history and archive lie on a real S3: by Spark, which reads the history there itself, and by the engine of this machine; both
 * must leave the same. By hand, since it takes Hadoop's connector: `npx jiti tests/batch/spark-s3.ts JARS`, a folder with hadoop-aws of Spark's
 * version of Hadoop and what it needs of the AWS SDK (s3, s3-transfer-manager, sts, apache-client, netty-nio-client, dynamodb), without what these
 * bring of SLF4J, commons-codec, Netty itself and Apache's HTTP client 4, of which Spark has its own. After `npm run build`.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { DuckDBInstance } from '@duckdb/node-api'
import type { BatchAnswer, RunDetail } from '../../src/batch/index.ts'
import { startS3 } from '../services/s3.ts'
import { batchProject } from './batch-project.ts'
import { sparkHere, sparkVariables } from './spark-place.ts'

const [jars] = process.argv.slice(2)
if (jars === undefined) throw new Error('Name the folder with the jars of hadoop-aws.')
const s3 = await startS3()
const project = await batchProject()
try {
  const { accessKeyId, secretAccessKey, region, url } = s3
  await s3.bucket('lake')
  const client = new S3Client({
    ...{ region, endpoint: url, forcePathStyle: true },
    credentials: { accessKeyId, secretAccessKey },
  })
  for (const file of ['sales.parquet', 'shops.parquet'])
    await client.send(
      new PutObjectCommand({ Bucket: 'lake', Key: `raw/${file}`, Body: readFileSync(project.path(file)) }),
    )
  client.destroy()
  const text = readFileSync(project.path('platform.ts'), 'utf8')
  await project.write('platform.ts', text.replaceAll(/parquet\('(\w+\.parquet)'\)/g, "parquet('s3://lake/raw/$1')"))
  const { conf, ...settings } = sparkHere(project.folder)
  const hadoop = {
    'spark.hadoop.fs.s3a.endpoint': url,
    'spark.hadoop.fs.s3a.endpoint.region': region,
    'spark.hadoop.fs.s3a.path.style.access': 'true',
    'spark.hadoop.fs.s3a.connection.ssl.enabled': 'false',
    'spark.driver.extraClassPath': join(resolve(jars), '*'),
  }
  const spark = JSON.stringify({ ...settings, conf: { ...conf, ...hadoop } })
  await project.write('sixfold.config.ts', `export default { platform: './platform.ts', batch: { spark: ${spark} } }`)
  const variables = {
    ...sparkVariables(),
    SIXFOLD_DATA: project.path('on-s3'),
    SIXFOLD_OFFLINE_URL: `s3://?region=${region}&endpoint=${url}&pathStyle=true`,
    SIXFOLD_ARTIFACTS_URL: `s3://lake/sixfold?region=${region}&endpoint=${url}&pathStyle=true`,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  }
  const told = async <T>(...words: readonly string[]): Promise<T> => {
    const { code, out, err } = await project.runWith(variables, ...words, '--json')
    assert.equal(code, 0, out + err)
    return JSON.parse(out.trim().split('\n').at(-1)!) as T
  }
  await told('apply')
  await told('model', 'add', 'idle', 'idle.onnx')
  const db = await (await DuckDBInstance.create(':memory:')).connect()
  const rows: unknown[] = []
  for (const engine of ['spark', 'local']) {
    const ran = ['batch', 'run', 'nightly', '--at', '2026-11-20T01:30:00Z', '--engine', engine]
    const { run, partitions } = await told<RunDetail>(...ran)
    assert.deepEqual([run.state, run.engine, partitions.length], ['published', engine, 3])
    const { answers } = await told<{ answers: readonly BatchAnswer[] }>('batch', 'lookup', 'nightly', '-k', 'shop=3')
    assert.deepEqual([answers[0]!.outputs, answers[0]!.version], [{ days: 13.5 }, run.version])
    const { files } = await told<{ files: readonly string[] }>('batch', 'files', 'nightly')
    const list = files.map((file) => `'${file}'`).join(', ')
    const found = await db.runAndReadAll(`SELECT shop, days FROM read_parquet([${list}]) ORDER BY shop`)
    rows.push(found.getRowsJson())
    process.stdout.write(`${engine}: version ${run.version}, ${found.currentRowCount} rows, archived on S3\n`)
  }
  assert.deepEqual(rows[0], rows[1])
  process.stdout.write('Both left the same rows.\n')
} finally {
  await project.dispose()
  await s3.close()
}
