/** MLflow's own client with keys, and with webhooks that it makes. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mlflowPython } from '../../scripts/installed.mjs'
import type { Listening } from '../../src/runtime/listen.ts'
import { listen } from '../../src/runtime/listen.ts'
import type { Opened } from '../../src/runtime/open.ts'
import { open } from '../../src/runtime/open.ts'
import { couriers } from '../http/service.ts'
import { describeWith } from '../services/index.ts'

const adminKey = 'an-admin-key-of-thirty-two-signs'

describeWith(['mlflow'], "MLflow's client where keys are needed", () => {
  let folder: string
  let opened: Opened
  let listening: Listening
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sixfold-mlflow-keys-'))
    opened = await open(couriers, { data: join(folder, 'data'), adminKey })
    listening = await listen(opened, { port: 0, access: 'keys' })
  })
  afterAll(async () => {
    await listening.close()
    await opened.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test('does what each key may, and is told of what it asked for', { timeout: 300_000 }, async () => {
    const by = { actor: 'local:ana', reason: null }
    const key = async (name: string, role: 'viewer' | 'editor', models: readonly string[]): Promise<string> =>
      (await opened.registry.createKey({ name, role, models, expiresAt: null }, by)).key
    const child = spawn(mlflowPython, ['-W', 'ignore', join(import.meta.dirname, 'client.py')], {
      cwd: folder,
      env: {
        ...{ PATH: process.env['PATH'], HOME: folder, LANG: 'C.UTF-8', MPLCONFIGDIR: folder },
        ...{ MLFLOW_TRACKING_URI: listening.url, MLFLOW_DISABLE_TELEMETRY: 'true', GIT_PYTHON_REFRESH: 'quiet' },
        // A refusal that was taken for a failure would be tried again for minutes.
        MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0',
        KEY_VIEWER: await key('shop', 'viewer', []),
        KEY_EDITOR: await key('training', 'editor', ['fraud']),
        KEY_ADMIN: adminKey,
      },
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (said += text))
    const [code] = (await once(child, 'close')) as [number | null]
    expect(said).toMatch(/^done$/m)
    expect(code).toBe(0)
    const audit = JSON.stringify(await opened.registry.audit({ limit: 100 }))
    expect(audit).toContain('key:training')
    expect(audit).not.toContain('a secret of ours')
    expect(said).not.toContain(adminKey)
  })
})
