/**
 * Versions are validated and moved while the network to PostgreSQL is slow, breaks off and falls silent. Whoever asks repeats what was not
 * answered under the same id: what was acknowledged is in the audit, once, and predictions never notice.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWith } from '../services/index.ts'
import type { Answer, Server, Stage } from './stage.ts'
import { auditIsWhole, inProduction, newId, post, stage } from './stage.ts'

interface Acknowledged {
  readonly id: string
  readonly kind: 'promote' | 'validate'
  readonly version: number
  readonly numbers: readonly number[]
}

describeWith(['redis', 'postgres', 's3'], 'changes over a network that fails', () => {
  let s: Stage
  beforeAll(async () => {
    s = await stage(2)
    await sleep(1_500)
  })
  afterAll(() => s?.close())

  test('each that is acknowledged is there once', async () => {
    const acknowledged: Acknowledged[] = []
    let [ended, tries] = [false, 0]
    /** Again until it is answered, each time by the other server. */
    const insist = async (path: string, body: object): Promise<Answer & { readonly id: string }> => {
      const id = newId()
      for (;;) {
        const { url } = s.servers[tries++ % 2] as Server
        const answer = await post(`${url}/v1/registry/models/risky/versions/${path}`, body, id)
        if (answer.status === 200 || (answer.status >= 400 && answer.status < 500)) return { ...answer, id }
        await sleep(50)
      }
    }
    const promote = async (): Promise<void> => {
      for (let i = 0; !ended; i++) {
        const version = 1 + (i % 3)
        const { status, body, id } = await insist(`${version}/move`, { to: 'staging', reason: 'back' })
        expect(status, JSON.stringify(body)).toBe(200)
        const done = await insist(`${version}/move`, { to: 'production', reason: 'again' })
        expect(done.status, JSON.stringify(done.body)).toBe(200)
        for (const one of [{ body, id }, done])
          acknowledged.push({
            ...{ id: one.id, kind: 'promote', version },
            numbers: one.body.entries.map(({ number }: { readonly number: number }) => number),
          })
      }
    }
    const validate = async (): Promise<void> => {
      while (!ended) {
        const { status, body, id } = await insist('3/validate', { reason: 'again' })
        expect(status, JSON.stringify(body)).toBe(200)
        acknowledged.push({ id, kind: 'validate', version: 3, numbers: [] })
      }
    }
    for (const { took } of s.servers) took.length = 0
    const work = [promote(), validate()]
    const faults: readonly (readonly [string, number, () => void])[] = [
      ['200 ms away', 9_000, () => s.proxy.latency(100)],
      ['resetting', 3_000, () => s.proxy.reset()],
      ['half open', 3_000, () => s.proxy.halfOpen()],
    ]
    for (const [name, lasts, begin] of faults) {
      const before = acknowledged.length
      begin()
      await sleep(lasts)
      const during = acknowledged.length
      s.proxy.heal()
      await sleep(3_000)
      process.stdout.write(`${name}: ${during - before} acknowledged, and ${acknowledged.length - during} after it\n`)
    }
    ended = true
    await Promise.all(work)
    const { url } = s.servers[0] as Server
    const { entries } = (await (await fetch(`${url}/v1/registry/audit?model=risky&limit=1000`)).json()) as {
      readonly entries: readonly { readonly number: number; readonly action: string; readonly reason: string | null }[]
    }
    const moves = acknowledged.filter(({ kind }) => kind === 'promote').flatMap(({ numbers }) => numbers)
    const found = entries.filter(({ action, reason }) => action === 'stage.changed' && /back|again/.test(reason ?? ''))
    expect([...moves].sort((a, b) => a - b)).toEqual(found.map(({ number }) => number).sort((a, b) => a - b))
    const validations = acknowledged.filter(({ kind }) => kind === 'validate').length
    expect(entries.filter(({ action, reason }) => action === 'evidence.recorded' && reason === 'again')).toHaveLength(
      validations,
    )
    expect(validations).toBeGreaterThan(0)
    expect(moves.length).toBeGreaterThan(5)
    expect((await inProduction(s.servers[1] as Server)).length).toBe(1)
    await auditIsWhole(s.servers[1] as Server)
    expect(s.servers.flatMap(({ failed }) => failed)).toEqual([])
    const took = s.servers.flatMap((one) => one.took).sort((a, b) => a - b)
    const p99 = took[Math.floor(took.length * 0.99)]!
    process.stdout.write(
      `${moves.length} moves, ${validations} validations; ${took.length} predictions, p99 ${Math.round(p99)} ms\n`,
    )
    // They share two cores with validations.
    expect(p99).toBeLessThan(500)
  }, 120_000)
})
