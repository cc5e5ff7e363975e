/** A view rebuilt from history by a command, beside a server that has taken pushes: they are never gone, not for a moment. */
import { expect, test } from 'vitest'
import { post, project, served } from './project.ts'

test('what was pushed is part of a state that was rebuilt beside the server, from its first moment on', async () => {
  const p = await project()
  try {
    const { url } = await served(p)
    const count = async (): Promise<number> => {
      const { features } = (await post(`${url}/v1/views/pace/read`, { keys: { courier: 'ann' } })) as {
        features: { deliveries_ever: number }
      }
      return features.deliveries_ever
    }
    const delivered = new Date(Date.now() - 60_000).toISOString()
    await post(`${url}/v1/events/deliveries`, { events: [{ order: 1000, courier: 'ann', minutes: 7, delivered }] })
    expect(await count()).toBe(6)
    let building = true
    const seen = new Set<number>()
    const reader = (async () => {
      while (building) seen.add(await count())
    })()
    for (let i = 0; i < 3; i++)
      expect((await p.run('materialize', 'pace', '--rebuild', '--through', '2024-01-01T20:00:00Z')).code).toBe(0)
    building = false
    await reader
    expect([...seen]).toEqual([6])
  } finally {
    await p.dispose()
  }
})
