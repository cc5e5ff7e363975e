/**
 * Receivers are told of changes while they go away, the metadata store goes away, and the server that tells them is killed: of each at least
 * once, first tellings in the order of the changes, and of none never. `RUNS` says of how many.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { tell } from '../../drills/server.ts'
import { describeWith } from '../services/index.ts'
import type { Receiver } from '../webhooks/receiver.ts'
import { receiver } from '../webhooks/receiver.ts'
import type { Server } from './stage.ts'
import { newId, stage } from './stage.ts'

const events = Number(process.env['RUNS'] ?? 1_000)

describeWith(['redis', 'postgres', 's3'], 'webhooks in outages', () => {
  test(`each of ${events} events arrives, in order`, async () => {
    const s = await stage(1)
    const [server] = s.servers as [Server]
    let here: Receiver = await receiver()
    const { port, url } = here
    const received: string[] = []
    try {
      const made = await tell(null, s.environment, 'webhook', 'add', 'ci', url, '--event', 'alias.set')
      expect(made.ended, made.said).toBe('well')
      const told = (): number => new Set([...received, ...here.received.map(({ json }) => json.id)]).size
      const ids: string[] = []
      const change = async (): Promise<void> => {
        while (ids.length < events) {
          const id = newId()
          for (;;) {
            const response = await fetch(`${server.url}/v1/registry/models/risky/aliases/champion`, {
              method: 'PUT',
              headers: { 'content-type': 'application/json', 'idempotency-key': id },
              body: JSON.stringify({ version: 1 + (ids.length % 3) }),
            }).catch(() => null)
            await response?.arrayBuffer().catch(() => null)
            if (response?.status === 200) break
            await sleep(50)
          }
          ids.push(id)
        }
      }
      const changing = change()
      const reach = async (share: number): Promise<void> => {
        while (ids.length < events * share) await sleep(20)
      }
      await reach(0.2)
      await here.close()
      received.push(...here.received.map(({ json }) => json.id as string))
      await sleep(1_500)
      here = await receiver(port)
      await reach(0.5)
      await s.postgres.kill()
      await sleep(1_500)
      await s.postgres.start()
      await reach(0.7)
      await server.kill()
      await server.start()
      await changing
      const until = performance.now() + 240_000
      while (told() < events && performance.now() < until) await sleep(50)
      received.push(...here.received.map(({ json }) => json.id as string))
      const firsts = [...new Set(received)]
      const audit = await inOrder(server)
      process.stdout.write(`${received.length} tellings of ${firsts.length} events\n`)
      expect(new Set(audit)).toEqual(new Set(ids))
      expect(audit).toHaveLength(events)
      expect(firsts).toEqual(audit)
    } finally {
      await here.close()
      await s.close()
    }
  }, 420_000)
})

/** The ids of the changes as the audit has them. */
async function inOrder({ url }: Server): Promise<readonly string[]> {
  const ids: string[] = []
  for (let after = 0; ; ) {
    const response = await fetch(`${url}/v1/registry/audit?model=risky&limit=1000&after=${after}`)
    const { entries } = (await response.json()) as {
      readonly entries: readonly { readonly id: string; readonly number: number; readonly action: string }[]
    }
    if (entries.length === 0) return ids
    ids.push(...entries.filter(({ action }) => action === 'alias.set').map(({ id }) => id))
    after = entries.at(-1)!.number
  }
}
