/** A network to PostgreSQL that breaks off again and again, also between a commit and its answer: no partition is taken twice, none is left. */
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { postgresMetadataStore } from '../../src/adapters/postgres/metadata-store.ts'
import { long, newRun, outputOf, parts, scoring } from '../../src/testing/batch-store-tools.ts'
import { describeWith, faultProxy, startPostgres } from '../services/index.ts'

const count = 300
const lanes = 6

describeWith(['postgres'], 'PostgreSQL', () => {
  it('is worked with through resets', { timeout: 120_000 }, async () => {
    const service = await startPostgres()
    onTestFinished(() => service.close())
    const proxy = await faultProxy(Number(new URL(service.url).port))
    onTestFinished(() => proxy.close())
    const url = service.url.replace(/:\d+\//, `:${proxy.port}/`)
    const store = await postgresMetadataStore({ url, password: null, schema: 'outage', patienceMs: 20_000 })
    onTestFinished(() => store.close())
    const { batches } = store
    const { run, lease } = await scoring(batches, parts(count))

    let [going, resets] = [true, 0]
    const breaking = (async () => {
      while (going) {
        await pause(10 + Math.random() * 60)
        // With answers that take their time, some are on their way when it breaks off.
        proxy.latency(Math.random() * 4)
        await pause(20)
        proxy.reset()
        resets += 1
        await pause(Math.random() * 10)
        proxy.heal()
      }
    })()
    let finished = 0
    const work = async (): Promise<void> => {
      for (;;) {
        const taken = await batches.take(run.id, 'worker', long)
        if (taken === null) return
        // What was committed and is asked for again is answered as it was.
        expect(await batches.finish(run.id, taken, outputOf(`${taken.index}`))).toBe(true)
        await batches.release(taken.lease)
        finished += 1
      }
    }
    const begun = Promise.all(Array.from({ length: 40 }, () => batches.begin(newRun({ batch: 'other' }))))
    await Promise.all(Array.from({ length: lanes }, work))
    expect(await batches.advance(run.id, lease, 'scoring', 'auditing', {})).toBe(true)
    expect((await begun).map(({ version }) => version).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 40 }, (_, index) => index + 1),
    )
    going = false
    await breaking

    const partitions = await batches.partitions(run.id)
    expect(partitions.map(({ state, attempts }) => `${state} ${attempts}`)).toEqual(
      Array.from({ length: count }, () => 'done 1'),
    )
    expect(partitions.every(({ index, output }) => output!.sha256 === outputOf(`${index}`).sha256)).toBe(true)
    expect(finished).toBe(count)
    expect(await batches.workers(run.id)).toMatchObject([{ partition: null }])
    process.stdout.write(`${count} partitions through ${resets} resets: each taken once\n`)
    expect(resets).toBeGreaterThan(5)
  })
})
