/**
 * Schemathesis asks a server whatever its OpenAPI document allows, and what it does not: never a status of 500 and more, and each answer
 * is as the document says. SEED repeats a run, RUNS makes it longer.
 */
import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { schemathesisProgram } from '../../scripts/installed.mjs'
import type { Service } from '../http/service.ts'
import { deliver, service } from '../http/service.ts'
import { linear, logistic } from '../models/graphs.ts'
import { describeWith } from '../services/index.ts'

const seed = process.env['SEED'] ?? String(1 + Math.floor(Math.random() * 1e9))
/** Cases of each operation. */
const cases = process.env['RUNS'] ?? '12'

/** What is not served says so with 501; a fault would be 500. What a document cannot say of values, such as their bytes, is refused too. */
const config = `[checks]
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 501]
${[
  'negative_data_rejection',
  'positive_data_acceptance',
  'missing_required_header',
  'unsupported_method',
  'allow_header_conformance',
  'use_after_free',
  'ensure_resource_availability',
  'ignored_auth',
]
  .map((check) => `${check}.enabled = false`)
  .join('\n')}
`

describeWith(['schemathesis'], 'schemathesis', () => {
  let open: Service
  let configured: string
  beforeAll(async () => {
    open = await service()
    configured = join(open.folder, 'schemathesis.toml')
    await writeFile(configured, config)
    await deliver(open)
    await open.add('eta', linear([1, 2], 0.5))
    await open.add('late', logistic([1], 0))
  })
  afterAll(() => open.close())

  const run = (...options: readonly string[]): Promise<{ readonly code: number | null; readonly said: string }> =>
    new Promise((resolve, reject) => {
      const how = ['--seed', seed, '--max-examples', cases, '--no-color', '--warnings', 'off']
      const child = spawn(
        schemathesisProgram,
        ['--config-file', configured, 'run', `${open.url}/openapi.json`, ...how, ...options],
        // What it remembers of earlier runs is not kept.
        { cwd: open.folder },
      )
      let said = ''
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (said += bytes))
      child.once('error', reject)
      child.once('close', (code) => resolve({ code, said }))
    })

  test('nothing that is asked is a fault of the server, and every answer is as it says', {
    timeout: 600_000,
  }, async () => {
    const { code, said } = await run('--phases', 'examples,coverage,fuzzing')
    expect(code, `SEED=${seed}\n${said.slice(-6_000)}`).toBe(0)
    expect((await open.get('/healthz')).status).toBe(200)
  })
})
