/** Definitions that change under a running server: it goes on with its own state, which goes when the server has. */
import { expect, test } from 'vitest'
import { platformText, post, project, served } from './project.ts'

test('the state of a changed view is kept while a server runs with it, and dropped after', async () => {
  const p = await project()
  try {
    const { server, url } = await served(p)
    const count = async (at: string): Promise<unknown> => {
      const answer = await post(`${at}/v1/views/pace/read`, { keys: { courier: 'ann' } })
      return (answer as { features: { deliveries_ever: number } }).features.deliveries_ever
    }
    const before = await count(url)
    expect(before).toBeGreaterThan(0)

    await p.write('platform.ts', platformText.replace('mean(minutes).ever()', "mean(minutes).over('30d')"))
    const applied = await p.run('apply')
    expect(applied.code).toBe(0)
    expect(applied.out).toContain('The old state of pace is kept until no server runs with the old definitions.')
    expect(await count(url)).toBe(before)

    await server.end()
    const next = p.start('--json', 'serve')
    // In whichever order.
    const [, again] = await next.says(
      /(?=[\s\S]*"url":"([^"]+)")(?=[\s\S]*Old state that no server uses any more was dropped)/,
    )
    expect(await count(again!)).toBe(0)
  } finally {
    await p.dispose()
  }
})
