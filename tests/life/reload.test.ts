/** SIGHUP: a server that runs reads its configuration again. What can change does, what cannot is named, a mistake changes nothing. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Project, Started } from '../cli/project.ts'
import { post, project } from '../cli/project.ts'

let p: Project
let server: Started
let url: string
const config = (rest: string): Promise<void> =>
  p.write('sixfold.config.ts', `export default { platform: './platform.ts', ${rest} }\n`)

beforeAll(async () => {
  p = await project()
  await p.history(10)
  await config('server: { port: 0 }')
  server = p.start('serve')
  url = (await server.says(/Sixfold is at (\S+)\n[\s\S]*data in .*\n/))[1]!
  expect((await p.run('model', 'add', 'eta', 'eta.onnx')).code).toBe(0)
  await server.says(/A version answers/)
}, 60_000)
afterAll(() => p.dispose())

const placeNow = async (): Promise<string> => {
  const status = (await (await fetch(`${url}/v1/status`)).json()) as {
    models: { scheduling: { snapshot: { place: string; workers: { min: number; max: number } } }[] }[]
  }
  const { place, workers } = status.models[0]!.scheduling[0]!.snapshot
  return `${place} ${workers.min}-${workers.max}`
}
const ask = (): Promise<unknown> =>
  post(`${url}/v1/models/eta/predict`, { keys: { courier: 'ann' }, request: { km: 3 } })
const hangUp = async (says: RegExp): Promise<void> => {
  server.child.kill('SIGHUP')
  await server.says(says)
}

test('where a model is computed changes while it is asked, and nobody is refused', { timeout: 60_000 }, async () => {
  let running = true
  const answers: unknown[] = []
  const asking = (async () => {
    while (running) answers.push(await ask())
  })()
  await config("server: { port: 0 }, models: { eta: { place: 'process', workers: 1 } }")
  await hangUp(/"changed":\["models\.eta"\].*read again/)
  expect(await placeNow()).toBe('process 1-1')
  await config("server: { port: 0 }, models: { eta: { place: 'process', workers: { min: 1, max: 3 } } }")
  await hangUp(/"changed":\["models\.eta"\]/)
  expect(await placeNow()).toBe('process 1-3')
  running = false
  await asking
  expect(answers.length).toBeGreaterThan(5)
  for (const answer of answers) expect(answer).toMatchObject({ version: '1' })
})

test('a mistake changes nothing, and is told', async () => {
  await config("server: { port: 0 }, models: { eta: { place: 'somewhere' } }")
  await hangUp(/cannot be used: the one before stays in force/)
  expect(server.said()).toMatch(/models\.eta\.place/)
  expect(await placeNow()).toBe('process 1-3')
})

test('what cannot change is named; how often one may ask can', async () => {
  const models = "models: { eta: { place: 'process', workers: { min: 1, max: 3 } } }"
  await config(`server: { port: 7007, rate: { perSecond: 1, burst: 2 } }, data: 'elsewhere', ${models}`)
  await hangUp(/"waiting":\["data","server\.port"\]/)
  const statuses = await Promise.all(
    Array.from({ length: 6 }, async () => {
      const answer = await fetch(`${url}/v1/models/eta/predict`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ keys: { courier: 'ann' }, request: { km: 3 } }),
      })
      return answer.status
    }),
  )
  expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(3)
  await config(`server: { port: 7007 }, data: 'elsewhere', ${models}`)
  await hangUp(/"changed":\["server\.rate"\]/)
  expect(await ask()).toMatchObject({ version: '1' })
})
