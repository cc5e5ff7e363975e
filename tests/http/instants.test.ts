/** Questions about another instant than now. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Service } from './service.ts'
import { deliver, minutesAgo, now, question, refused, service } from './service.ts'

let server: Service
beforeAll(async () => {
  server = await service()
  await deliver(server)
  server.advance(3_600_000)
  // Folds what has become visible: the state moves on with events.
  await server.app.push('deliveries', [
    { order: 'a4', courier: 'ann', minutes: 40, delivered: new Date(now + 3_500_000) },
  ])
})
afterAll(() => server.close())
const at = (instant: string) => ({ ...question, at: instant })
const paths = ['/v1/models/eta/predict', '/v1/views/pace/read'] as const
const bodyFor = (path: string, instant: string): object =>
  path.endsWith('read') ? { keys: question.keys, at: instant } : at(instant)

test.each(paths)('%s about the past, which the state has moved beyond, is refused', async (path) => {
  const body = bodyFor(path, minutesAgo(0))
  await refused(server, () => server.post(path, body), 409, 'SX_INSTANT_PAST', minutesAgo(0), 'training set')
})

test.each(paths)('%s about a second ago is answered: clocks differ', async (path) => {
  const instant = new Date(now + 3_599_500).toISOString()
  const { status, json } = await server.post(path, bodyFor(path, instant))
  expect([status, json.at]).toEqual([200, instant])
})

test.each(paths)('%s about the future beyond what clocks differ is refused', async (path) => {
  const instant = new Date(now + 3_600_000 + 61_000).toISOString()
  await refused(
    server,
    () => server.post(path, bodyFor(path, instant)),
    400,
    'SX_REQUEST_INVALID',
    "'at'",
    instant,
    'after now',
  )
  expect((await server.post(path, bodyFor(path, new Date(now + 3_659_000).toISOString()))).status).toBe(200)
})

test('an instant in another zone is the same instant', async () => {
  const { json } = await server.post(paths[0], at('2024-05-01T18:30:00.000+05:30'))
  expect(json.at).toBe('2024-05-01T13:00:00.000Z')
})
