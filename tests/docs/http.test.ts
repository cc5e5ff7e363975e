/** The examples of docs/reference/http.md, asked of a server in their own order of cause: what it answers is what is shown. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createJiti } from 'jiti'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type * as Package from '../../src/index.ts'
import { blocksOf, root, textOf } from './markdown.ts'

const page = 'docs/reference/http.md'
const tutorial = 'docs/tutorial/first-predictions.md'
const folder = mkdtempSync(join(tmpdir(), 'sixfold-http-'))
let url = ''
let close = async (): Promise<void> => {}

beforeAll(async () => {
  const jiti = createJiti(import.meta.url, { alias: { sixfold: join(root, 'src/index.ts') }, fsCache: false })
  const definitions = blocksOf(tutorial).find(({ comments }) => comments.includes('file platform.ts'))!
  writeFileSync(join(folder, 'platform.ts'), definitions.code)
  const { sixfold, manualClock } = await jiti.import<typeof Package>('sixfold')
  const { default: platform } = await jiti.import<{ default: Package.Platform }>(join(folder, 'platform.ts'))
  const app = sixfold(platform, { data: join(folder, 'data'), clock: manualClock(Date.parse('2026-01-05T12:00:00Z')) })
  const model = /'(CAg6[A-Za-z0-9+/=]+)'/.exec(textOf(tutorial))![1]!
  writeFileSync(join(folder, 'eta.onnx'), Buffer.from(model, 'base64'))
  await app.addModel('eta' as never, join(folder, 'eta.onnx'))
  const listening = await app.listen({ port: 0 })
  url = listening.url
  close = async () => {
    await listening.close()
    await app.close()
  }
})
afterAll(async () => {
  await close()
  rmSync(folder, { recursive: true, force: true })
})

interface Example {
  readonly path: string
  readonly body: string
  readonly answer: unknown
}
const named: Readonly<Record<string, string>> = { ':model': 'eta', ':view': 'pace', ':source': 'deliveries' }

/** The two blocks of a route: what is sent, and what comes back. */
function exampleOf(route: string): Example {
  const section = textOf(page)
    .split(/^## /m)
    .find((text) => text.startsWith(`${route}\n`))!
  const [body, answer] = [...section.matchAll(/```json\n([\s\S]*?)```/g)].map(([, code]) => code!)
  return {
    path: route.split(' ')[1]!.replace(/:\w+/, (part) => named[part]!),
    body: body!,
    answer: JSON.parse(answer!),
  }
}

test('the server answers as the examples show', async () => {
  let id = ''
  for (const route of [
    'POST /v1/events/:source',
    'POST /v1/models/:model/predict',
    'POST /v1/views/:view/read',
    'POST /v1/outcomes',
    'POST /v1/clock',
  ]) {
    const { path, body, answer } = exampleOf(route)
    const response = await fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: body.replace(/eta\.1\.[0-9a-f]{8}/, id),
    })
    const got = (await response.json()) as Record<string, unknown>
    expect(response.status, `${route}: ${JSON.stringify(got)}`).toBe(200)
    expect(alike(answer, got), route).toEqual(answer)
    if (route.endsWith('predict')) {
      id = String(got['id'])
      const timing = response.headers.get('server-timing')!
      const shown = /`(gateway;dur=[^`]+)`/.exec(textOf(page))![1]!
      expect(timing.replace(/[\d.]+/g, '0')).toBe(shown.replace(/[\d.]+/g, '0'))
    }
  }
})

/** What was answered, with times, ids and last digits as they are shown. */
function alike(shown: unknown, got: unknown): unknown {
  if (typeof shown === 'number' && typeof got === 'number') return Math.abs(shown - got) < 1e-3 ? shown : got
  if (typeof shown !== 'object' || shown === null || typeof got !== 'object' || got === null) return got
  if (Array.isArray(got)) return got.map((value, i) => alike((shown as readonly unknown[])[i], value))
  return Object.fromEntries(
    Object.entries(got).map(([name, value]) => {
      const expected = (shown as Record<string, unknown>)[name]
      if (name === 'id' && /^eta\.0\.[0-9a-f]{8}$/.test(String(value))) return [name, expected]
      if (name === 'milliseconds' && Object.values(value as object).every((one) => typeof one === 'number'))
        return [
          name,
          Object.fromEntries(
            Object.keys(value as object).map((stage) => [stage, (expected as Record<string, number>)[stage]]),
          ),
        ]
      return [name, alike(expected, value)]
    }),
  )
}
