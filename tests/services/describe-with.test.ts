import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { names } from '../../scripts/installed.mjs'

interface Ended {
  readonly code: number
  readonly text: string
}

/** Where the cache has nothing. */
async function without(args: readonly string[], requireAll: '' | '1' = ''): Promise<Ended> {
  const env = { ...process.env, SIXFOLD_SERVICES: '/nonexistent', SIXFOLD_REQUIRE_ALL: requireAll, NO_COLOR: '1' }
  const result = await promisify(execFile)(process.execPath, args, { env, timeout: 30_000 }).then(
    ({ stdout, stderr }) => ({ code: 0, text: stdout + stderr }),
    (error: { readonly code: number; readonly stdout: string; readonly stderr: string }) => ({
      code: error.code,
      text: error.stdout + error.stderr,
    }),
  )
  return result
}

const vitest = `import { startVitest } from 'vitest/node'
await startVitest('test', [], { config: false, watch: false, include: ['tests/services/absent.ts'] })`
const advice = 'node scripts/services.mjs install s3'

test('tests of a service that is not installed are skipped, and it is said which and what to do', async () => {
  const { code, text } = await without(['--input-type=module', '-e', vitest])
  expect(text).toContain('Skipped: objects.')
  expect(text).toContain(advice)
  expect(text).toMatch(/1 skipped/)
  expect(code).toBe(0)
})

test('where all are required, they fail and say the same', async () => {
  const { code, text } = await without(['--input-type=module', '-e', vitest], '1')
  expect(text).toContain(advice)
  expect(text).toMatch(/1 failed/)
  expect(code).toBe(1)
})

test('status says of each service whether it is installed', async () => {
  const { code, text } = await without(['scripts/services.mjs', 'status'])
  expect(text.trim().split('\n')).toHaveLength(names.length)
  expect(text).toContain(advice)
  expect(text).toContain('node scripts/services.mjs install kafka')
  expect(code).toBe(1)
})

test('a service that there is not is refused', async () => {
  const { code, text } = await without(['scripts/services.mjs', 'install', 'oracle'])
  expect(text).toContain('redis|postgres|kafka|s3|nginx')
  expect(code).toBe(2)
})
