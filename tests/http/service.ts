/** A small platform behind a real server, at a clock that stands still, in a data folder of its own. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { OpenOptions, Sixfold } from '../../src/index.ts'
import {
  count,
  entity,
  label,
  last,
  manualClock,
  mean,
  model,
  platform,
  sixfold,
  source,
  sum,
  view,
} from '../../src/index.ts'
import type { Graph } from '../models/onnx.ts'
import { onnx } from '../models/onnx.ts'

export const now = Date.parse('2024-05-01T12:00:00Z')
export const minutesAgo = (minutes: number): string => new Date(now - minutes * 60_000).toISOString()

const courier = entity('courier', { key: { courier: 'string' } })
const deliveries = source('deliveries', {
  fields: { order: 'string', courier: 'string', minutes: 'float64?', parcels: 'int64?', delivered: 'timestamp' },
  time: 'delivered',
  id: 'order',
})
const pace = view('pace', {
  entity: courier,
  source: deliveries,
  features: ({ minutes, parcels }) => ({
    deliveries_1d: count().over('1d'),
    mean_1d: mean(minutes).over('1d'),
    parcels_1d: sum(parcels).over('1d'),
    latest: last(minutes).ever(),
  }),
})
const eta = model('eta', {
  inputs: { pace, request: { km: 'float64', parcels: 'int64?', note: 'string?' } },
  vector: ({ pace, request }) => ({ mean_1d: pace.mean_1d.orElse(0), km: request.km }),
  output: { minutes: 'number' },
  fallback: ({ pace }) => ({ minutes: pace.mean_1d.orElse(30) }),
})
const late = model('late', {
  inputs: { pace, request: { km: 'float64' } },
  vector: ({ request }) => ({ km: request.km }),
  output: { late: 'probability' },
  fallback: () => ({ late: 0.25 }),
})
const vehicle = model('vehicle', {
  inputs: { request: { km: 'float64', load: 'int64', spare: 'int64' } },
  vector: ({ request }) => ({ place: request.load.times(request.spare) }),
  output: { vehicle: label('bike', 'van') },
  fallback: ({ request }) => ({ vehicle: request.km.gt(5).orElse(false).choose('van', 'bike') }),
})

export const couriers = platform({ courier, deliveries, pace, eta, late, vehicle })

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: what a stranger's JSON holds is for the test to say
  readonly json: any
}

export interface Service {
  readonly app: Sixfold<typeof couriers>
  readonly url: string
  readonly folder: string
  /** A text or bytes go as they are; anything else as JSON. */
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>
  get(path: string, method?: string): Promise<Answer>
  /** Adds a graph as a version of the model, which answers from then on. */
  /** `recorded` are rows of the vector that it is validated on, where it fails for others. */
  add(model: 'eta' | 'late' | 'vehicle', graph: Graph, recorded?: readonly object[]): Promise<string>
  advance(milliseconds: number): void
  /** All that a caller could have changed. */
  state(): Promise<unknown>
  close(): Promise<void>
}

export async function service(options: OpenOptions = {}): Promise<Service> {
  const folder = await mkdtemp(join(tmpdir(), 'sixfold-http-'))
  const clock = manualClock(now)
  const app = sixfold(couriers, { clock, data: join(folder, 'data'), project: folder, ...options })
  const { url, close } = await app.listen({ port: 0 })
  const read = async (response: Response): Promise<Answer> => {
    const text = await response.text()
    const isJson = (response.headers.get('content-type') ?? '').includes('json')
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : null }
  }
  let answered = Number.NEGATIVE_INFINITY
  /** What is logged of a prediction is written some milliseconds after its answer. */
  const settled = (): Promise<void> =>
    new Promise((resolve) => setTimeout(resolve, Math.max(0, answered + 100 - performance.now())))
  return {
    app,
    url,
    folder,
    post: async (path, body, headers = {}) => {
      const content =
        typeof body === 'string' ? body : body instanceof Uint8Array ? Uint8Array.from(body) : JSON.stringify(body)
      const answer = await read(
        await fetch(url + path, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: content,
        }),
      )
      if (answer.status === 200) answered = performance.now()
      return answer
    },
    get: async (path, method = 'GET') => read(await fetch(url + path, { method })),
    add: async (name, graph, recorded) => {
      const version = await mkdtemp(join(folder, 'version-'))
      await writeFile(join(version, 'model.onnx'), onnx(graph))
      if (recorded !== undefined) await writeFile(join(version, 'golden.json'), JSON.stringify(recorded))
      return (await app.addModel(name, version)).version
    },
    advance: (milliseconds) => clock.advanceTo(clock.now() + milliseconds),
    state: async () => {
      await settled()
      const { models, views, topics, store } = await app.status()
      return {
        models: models.map(({ model, version, waiting, measures: { predictions }, quality }) => ({
          model,
          version,
          waiting,
          predictions,
          quality,
        })),
        views,
        topics,
        entries: store?.entries,
        ann: await app.features('pace', { courier: 'ann' }),
      }
    },
    close: async () => {
      await close()
      await app.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export const question = { keys: { courier: 'ann' }, request: { km: 3.5 } }

/** Three deliveries of Ann's, whose mean is 20 minutes. */
export const deliver = (service: Service): Promise<unknown> =>
  service.app.push('deliveries', [
    { order: 'a1', courier: 'ann', minutes: 10, parcels: 1, delivered: new Date(now - 3 * 3_600_000) },
    { order: 'a2', courier: 'ann', minutes: 20, parcels: 2, delivered: new Date(now - 2 * 3_600_000) },
    { order: 'a3', courier: 'ann', minutes: 30, parcels: 3, delivered: new Date(now - 3_600_000) },
  ])

/** A problem by RFC 9457 that names what is wrong, of a size that can be read. */
export function expectProblem(answer: Answer, status: number, code: string, ...names: readonly string[]): void {
  expect({ status: answer.status, code: answer.json?.code ?? answer.text }).toEqual({ status, code })
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
  const { type, title, detail, fix, retry } = answer.json
  expect(answer.json.status).toBe(status)
  expect(type).toBe(`urn:sixfold:error:${code}`)
  for (const text of [title, detail, fix]) expect(text).toMatch(/\S/)
  for (const name of names) expect(`${detail} ${fix}`).toContain(name)
  expect(answer.text.length).toBeLessThan(4_000)
  expect(typeof retry).toBe('boolean')
  expect(answer.headers.has('retry-after')).toBe(retry)
}

/** Whatever is asked, the caller gets the error, and everything is as it was. */
export async function refused(
  service: Service,
  ask: () => Promise<Answer>,
  status: number,
  code: string,
  ...names: readonly string[]
): Promise<void> {
  const before = await service.state()
  expectProblem(await ask(), status, code, ...names)
  expect(await service.state()).toEqual(before)
}
