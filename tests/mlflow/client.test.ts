/** MLflow's own client, unmodified, against the built program: on SQLite, and on PostgreSQL. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mlflowPython } from '../../scripts/installed.mjs'
import type { Service } from '../services/index.ts'
import { describeWith, startPostgres } from '../services/index.ts'
import type { TrackingServer } from './server.ts'
import { trackingServer } from './server.ts'

/** Gives what it printed, once it has ended well. */
async function python(script: string, server: TrackingServer): Promise<string> {
  const child = spawn(mlflowPython, ['-W', 'ignore', join(import.meta.dirname, script)], {
    cwd: server.folder,
    env: {
      PATH: process.env['PATH'],
      HOME: server.folder,
      LANG: 'C.UTF-8',
      MPLCONFIGDIR: server.folder,
      MLFLOW_TRACKING_URI: server.url,
      MLFLOW_DISABLE_TELEMETRY: 'true',
      // A refusal that was taken for a failure would be tried again for minutes.
      MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0',
      GIT_PYTHON_REFRESH: 'quiet',
    },
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${script} ended with ${code}:\n${said.slice(-20_000)}`)
  return said
}

describeWith(['mlflow'], "MLflow's client on SQLite", () => {
  let server: TrackingServer
  beforeAll(async () => {
    server = await trackingServer()
  })
  afterAll(() => server.close())

  test('walks through everything it can do', { timeout: 300_000 }, async () => {
    expect(await python('walk.py', server)).toMatch(/walked 16 steps, 0 failed/)
  })
  test('brings a model from training to serving', { timeout: 300_000 }, async () => {
    expect(await python('gated.py', server)).toMatch(/served/)
  })
})

describeWith(['mlflow', 'postgres'], "MLflow's client on PostgreSQL", () => {
  let postgres: Service
  let server: TrackingServer
  beforeAll(async () => {
    postgres = await startPostgres()
    server = await trackingServer({ SIXFOLD_METADATA_URL: postgres.url })
  })
  afterAll(async () => {
    await server.close()
    await postgres.close()
  })

  test('walks through everything it can do', { timeout: 300_000 }, async () => {
    expect(await python('walk.py', server)).toMatch(/walked 16 steps, 0 failed/)
  })
})
