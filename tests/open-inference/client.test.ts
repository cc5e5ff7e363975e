/**
 * Triton's own client for Python, unmodified, against this server and against Triton: over HTTP, from asyncio and over gRPC. What both
 * answer is laid side by side; where they differ, `differences` says how and why, and docs/protocols.md holds the same table.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tritonPython } from '../../scripts/installed.mjs'
import { model, platform, sixfold } from '../../src/index.ts'
import { linear } from '../models/graphs.ts'
import { onnx } from '../models/onnx.ts'
import type { Triton } from '../services/index.ts'
import { describeWith, startTriton } from '../services/index.ts'
import { bodies, differences } from './differences.ts'

const score = model('score', {
  inputs: { request: { a: 'float64', b: 'float64' } },
  vector: ({ request }) => ({ a: request.a, b: request.b }),
  output: { score: 'number' },
  fallback: () => ({ score: 0 }),
})

interface Step {
  readonly step: string
  readonly came?: unknown
  readonly status?: string
  readonly says?: string
  readonly broke?: string
}

async function walk(kind: string, url: string): Promise<readonly Step[]> {
  const child = spawn(tritonPython, [join(import.meta.dirname, 'walk.py'), kind, url, 'score'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString()
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`The client ended with ${code}: ${err.slice(-2_000)}`)
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Step)
}

describeWith(['triton'], "Triton's client", () => {
  const folder = mkdtempSync(join(tmpdir(), 'sixfold-walk-'))
  const app = sixfold(platform({ score }), { data: join(folder, 'data') })
  let triton: Triton
  let ours: { readonly url: string; readonly grpc: string | null }

  beforeAll(async () => {
    const file = join(folder, 'score.onnx')
    writeFileSync(file, onnx(linear([2, 3], 1)))
    await app.addModel('score', file)
    ours = await app.listen({ port: 0 })
    triton = await startTriton({ score: file })
  }, 120_000)
  afterAll(async () => {
    await triton?.close()
    await app.close()
    rmSync(folder, { recursive: true })
  })

  for (const kind of ['http', 'aio', 'grpc'] as const)
    test(`over ${kind}`, async () => {
      const place = (url: string): string => url.replace('http://', '')
      const theirs = await walk(kind, kind === 'grpc' ? triton.grpc : place(triton.url))
      const mine = await walk(kind, kind === 'grpc' ? ours.grpc! : place(ours.url))
      expect(mine.map(({ step }) => step)).toEqual(theirs.map(({ step }) => step))
      expect(mine.filter(({ broke }) => broke !== undefined)).toEqual([])
      for (const [i, their] of theirs.entries()) {
        const my = mine[i]!
        const known = differences.find(({ step, over }) => step === my.step && over.includes(kind))
        if (known === undefined) {
          expect({ step: my.step, came: my.came, status: my.status }).toEqual({
            step: their.step,
            came: their.came,
            status: their.status,
          })
          continue
        }
        expect([my.step, my.status ?? null]).toEqual([known.step, known.ours])
        expect([their.step, their.status ?? null]).toEqual([known.step, known.theirs])
      }
    }, 120_000)

  test('bodies that no client sends', async () => {
    const status = (
      url: string,
      body: string,
      headers: Readonly<Record<string, string>> = {},
    ): Promise<number | null> =>
      fetch(`${url}/v2/models/score/infer`, { method: 'POST', body, headers }).then(
        (answer) => answer.arrayBuffer().then(() => answer.status),
        () => null,
      )
    for (const { call, body, headers, ours: expected, theirs } of bodies)
      expect([call, body, await status(ours.url, body, headers), await status(triton.url, body, headers)]).toEqual([
        call,
        body,
        expected,
        theirs,
      ])
  }, 60_000)
})

test('every difference stands in the documentation, with its reason', () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/protocols.md'), 'utf8')
  for (const { step, why } of differences) {
    expect(text).toContain(step)
    expect(text).toContain(why)
  }
  for (const { call, ours, theirs } of bodies) {
    if (call === '') continue
    const row = text.split('\n').find((line) => line.startsWith(`| ${call} `))
    expect(row?.split('|').map((cell) => cell.trim())).toEqual(
      expect.arrayContaining([call, String(ours), theirs === null ? '–' : String(theirs)]),
    )
  }
})
