/**
 * `npx jiti tests/import/frameworks.ts PYTHON`: a model of every framework that this Python has is imported, validated and put in production,
 * and asked through the platform; the most by which an answer differs from the framework's own is printed. Not among the tests, since no one
 * Python has all frameworks: their packages take some gigabytes.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isSixfoldError, platform } from '../../src/index.ts'
import type { Opened } from '../../src/runtime/open.ts'
import { open } from '../../src/runtime/open.ts'
import { amount, likely, pair, shares, which } from './definitions.ts'
import { importing } from './importing.ts'

interface Made {
  readonly definition: string
  readonly file: string
  readonly answers: readonly (readonly number[])[]
  readonly labels: readonly string[] | null
}

const [python] = process.argv.slice(2)
if (python === undefined) throw new Error('npx jiti tests/import/frameworks.ts PYTHON')
const folder = mkdtempSync(join(tmpdir(), 'sixfold-frameworks-'))
const write = (line: string): void => void process.stdout.write(`${line}\n`)
let opened: Opened | null = null
try {
  execFileSync(python, [join(import.meta.dirname, 'frameworks.py'), folder], { stdio: ['ignore', 'ignore', 'pipe'] })
  const { rows, models } = JSON.parse(readFileSync(join(folder, 'models.json'), 'utf8')) as {
    readonly rows: readonly (readonly [number, number, number])[]
    readonly models: readonly Made[]
  }
  opened = await open(platform({ amount, likely, pair, shares, which }), {
    project: folder,
    data: join(folder, 'data'),
  })
  const running = opened
  const run = importing(() => running, folder, python)
  for (const made of models) {
    try {
      const { ok, stage, version, from, parity } = await run(made.definition, made.file, { trust: true })
      if (!ok) throw new Error(`It went no further than ${stage}: ${parity}`)
      const found = await compared(running, made, rows, String(version.version))
      write(`${made.file} as ${made.definition}: ${found} [${from.packages.join(', ')}; ${parity}]`)
    } catch (error) {
      process.exitCode = 1
      write(
        `${made.file} as ${made.definition}: ${isSixfoldError(error) ? error.code : ''} ${(error as Error).message}`,
      )
    }
  }
} finally {
  await opened?.close()
  rmSync(folder, { recursive: true, force: true })
}

/** All rows, by the version that was imported, which the server takes up by itself. */
async function compared(
  opened: Opened,
  { definition, answers, labels }: Made,
  rows: readonly (readonly [number, number, number])[],
  version: string,
): Promise<string> {
  const ask = ([a, b, c]: readonly [number, number, number]) => opened.predict(definition, { request: { a, b, c } })
  for (let i = 0; i < 100 && (await ask(rows[0]!)).version !== version; i++) await sleep(100)
  let [most, wrong] = [0, 0]
  for (const [i, row] of rows.entries()) {
    const { outputs, degraded, version: answered } = await ask(row)
    if (degraded.length > 0 || answered !== version)
      throw new Error(`row ${i} was answered by ${answered}: ${JSON.stringify(degraded)}`)
    const numbers = Object.values(outputs)
      .filter((value) => typeof value !== 'string')
      .flat() as number[]
    for (const [at, number] of answers[i]!.entries()) most = Math.max(most, Math.abs(number - numbers[at]!))
    if (labels !== null && outputs['verdict'] !== labels[i]) wrong++
  }
  const named = labels === null ? '' : `, ${wrong} labels differ`
  if (wrong > 0 || !(most < 1e-4)) process.exitCode = 1
  return `${rows.length} predictions within ${most.toExponential(1)}${named}`
}
