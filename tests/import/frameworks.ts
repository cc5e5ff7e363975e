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
import { platform } from '../../src/index.ts'
import type { Opened } from '../../src/runtime/open.ts'
import { open } from '../../src/runtime/open.ts'
import { amount, likely, pair, shares, which } from './definitions.ts'
import { importing } from './importing.ts'

interface Made {
  readonly definition: string
  readonly file: string
  readonly answers: readonly (readonly number[])[]
  readonly labels: readonly string[] | null
  /** False: its converter is known not to do it right, and what comes of it must go no further. */
  readonly converts: boolean
}

type Rows = readonly (readonly [number, number, number])[]

const [python] = process.argv.slice(2)
if (python === undefined) throw new Error('npx jiti tests/import/frameworks.ts PYTHON')
const folder = mkdtempSync(join(tmpdir(), 'sixfold-frameworks-'))
const write = (line: string): void => void process.stdout.write(`${line}\n`)
let opened: Opened | null = null
try {
  execFileSync(python, [join(import.meta.dirname, 'frameworks.py'), folder], { stdio: ['ignore', 'ignore', 'pipe'] })
  const { rows, models } = JSON.parse(readFileSync(join(folder, 'models.json'), 'utf8')) as {
    readonly rows: Rows
    readonly models: readonly Made[]
  }
  opened = await open(platform({ amount, likely, pair, shares, which }), {
    project: folder,
    data: join(folder, 'data'),
  })
  for (const made of models) {
    const found = await imported(opened, made, rows).catch((error: Error) => error)
    const refused = found instanceof Error
    if (refused === made.converts) process.exitCode = 1
    write(`${made.file} as ${made.definition}: ${refused ? `not converted: ${found.message}` : found}`)
  }
} finally {
  await opened?.close()
  rmSync(folder, { recursive: true, force: true })
}

async function imported(opened: Opened, made: Made, rows: Rows): Promise<string> {
  const run = importing(() => opened, folder, python!)
  const { ok, stage, version, from, parity } = await run(made.definition, made.file, { trust: true })
  if (!ok) throw new Error(`It went no further than ${stage}: ${parity}`)
  const found = await compared(opened, made, rows, String(version.version))
  return `${found} [${from.packages.join(', ')}; ${parity}]`
}

/** All rows, by the version that was imported, which the server takes up by itself. */
async function compared(
  opened: Opened,
  { definition, answers, labels }: Made,
  rows: Rows,
  version: string,
): Promise<string> {
  const ask = ([a, b, c]: readonly [number, number, number]) =>
    opened.predict(definition, { request: { a, b, c }, timeoutMs: 10_000 })
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
  if (wrong > 0 || !(most < 1e-4)) throw new Error(`They differ by ${most}${named}`)
  return `${rows.length} predictions within ${most.toExponential(1)}${named}`
}
