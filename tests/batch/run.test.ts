/** A batch from its definition to its answers, with nothing in the place of anything: DuckDB, ONNX Runtime, SQLite, LMDB. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { markKey } from '../../src/batch/lookup/cache.ts'
import { connect } from '../../src/client/connect.ts'
import { batch } from '../../src/definition/batch.ts'
import { entity } from '../../src/definition/entity.ts'
import { model } from '../../src/definition/model.ts'
import { platform } from '../../src/definition/platform.ts'
import { parquet, source } from '../../src/definition/source.ts'
import { view } from '../../src/definition/view.ts'
import { count, sum } from '../../src/expression/aggregates.ts'
import { manualClock } from '../../src/kernel/clock.ts'
import { listen } from '../../src/runtime/listen.ts'
import type { Opened } from '../../src/runtime/open.ts'
import { open } from '../../src/runtime/open.ts'
import { linearModel } from '../cli/onnx.ts'

const day = 86_400_000
const first = Date.parse('2026-11-02T20:00:00Z')

const shop = entity('shop', { key: { shop: 'string' } })
const sales = source('sales', {
  fields: { shop: 'string', amount: 'float64', at: 'timestamp' },
  time: 'at',
  history: parquet('sales.parquet'),
})
const selling = view('selling', {
  entity: shop,
  source: sales,
  features: ({ amount }) => ({ sales_1d: count().over('1d'), total_1d: sum(amount).over('1d') }),
})
const busy = model('busy', {
  inputs: { selling, request: { staff: 'float64' } },
  vector: ({ selling: { sales_1d, total_1d }, request: { staff } }) => ({
    sales_1d,
    per_head: total_1d.orElse(0).dividedBy(staff),
  }),
  output: { busy: 'number' },
  fallback: () => ({ busy: 0.5 }),
})
const tonight = batch('tonight', {
  model: busy,
  rows: parquet('shops.parquet'),
  partitionRows: 1_000,
  incremental: true,
  decision: ({ output }) => output.busy.gt(0.6),
  segments: ({ keys }) => ({ region: keys.shop.lower() }),
  gate: { rows: null },
  publish: { keep: 3, promise: '1d' },
  unknown: { popular: true },
})

const defined = platform({ shop, sales, selling, busy, tonight })

async function write(folder: string, shops: number, amount: string): Promise<void> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  await connection.run(
    `COPY (SELECT 's' || i AS shop, CAST(1 + i % 5 AS DOUBLE) AS staff FROM range(${shops}) t(i)) TO '${join(folder, 'shops.parquet')}'`,
  )
  await connection.run(`COPY (SELECT 's' || (i % 2500) AS shop, CAST(${amount} AS DOUBLE) AS amount,
    TIMESTAMPTZ '2026-11-01 00:00:00+00' + INTERVAL (i * 20) SECOND AS "at" FROM range(40000) t(i)) TO '${join(folder, 'sales.parquet')}'`)
  connection.closeSync()
}

describe('a batch', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sixfold-batch-'))
  const clock = manualClock(first)
  let opened: Opened
  beforeAll(async () => {
    await write(folder, 2_500, 'i % 97')
    opened = await open(defined, {
      project: folder,
      data: join(folder, 'data'),
      clock,
    })
    writeFileSync(join(folder, 'busy.onnx'), linearModel('busy', [0.01, 0.002], 0.1))
    const asker = { actor: 'test', reason: null, id: null } as never
    const added = await opened.registry.add(
      'busy',
      join(folder, 'busy.onnx'),
      { description: null, to: 'production', facts: null, golden: null },
      asker,
    )
    expect(added.stopped).toBeNull()
    await opened.materialize('selling', { through: first, rebuild: false }, () => {})
    await opened.refresh()
  })
  afterAll(async () => {
    await opened.close()
    rmSync(folder, { recursive: true })
  })

  it('is planned, scored in partitions, judged, published and looked up', async () => {
    const { batches } = opened
    const begun = await batches.begin('tonight', { actor: 'test' })
    const { run, partitions, live } = await batches.run(begun.id)
    expect(run.error).toBeNull()
    expect(
      (run.verdict as { checks: { outcome: string; words: string }[] }).checks.filter((c) => c.outcome === 'refused'),
    ).toEqual([])
    expect([run.state, run.version, live, partitions.length]).toEqual(['published', 1, true, 3])
    expect(partitions.every(({ state }) => state === 'done')).toBe(true)
    const [answer, nobody] = await batches.lookup('tonight', [{ shop: 's7' }, { shop: 'nobody' }])
    const asked = await opened.predict('busy', { keys: { shop: 's7' }, request: { staff: 3 }, at: first })
    expect(answer).toMatchObject({ rung: 'exact', version: 1, asOf: first, stale: false })
    expect(answer!.outputs!['busy']).toBeCloseTo((asked.outputs as { busy: number }).busy, 6)
    expect(answer!.decision).toBe((answer!.outputs!['busy'] as number) > 0.6)
    expect(nobody!.rung).toBe('popular')
    const report = await batches.report('tonight', '1')
    expect(report).toContain('version 1')
    expect(report).toMatch(/<h2 id="cost">What it took<[\s\S]*Never looked up<\/th><td>100 % of its predictions so far/)
  })

  it('is looked up over HTTP, by one key and by many', async () => {
    const listening = await listen(opened, { port: 0, grpcPort: null })
    try {
      const get = async (path: string) => {
        const response = await fetch(`${listening.url}${path}`)
        return { status: response.status, body: (await response.json()) as { [name: string]: unknown } }
      }
      expect(await get('/v1/batch/tonight/s7')).toMatchObject({ status: 200, body: { rung: 'exact', version: 1 } })
      expect(await get('/v1/batch/tonight?shop=s7')).toMatchObject({ status: 200, body: { rung: 'exact' } })
      expect(await get('/v1/batch/nothing/s7')).toMatchObject({ status: 404, body: { code: 'SX_UNKNOWN_BATCH' } })
      expect(await get('/v1/batch/tonight?shpo=s7')).toMatchObject({
        status: 400,
        body: { code: 'SX_REQUEST_INVALID' },
      })
      const answered = await fetch(`${listening.url}/v1/batch/tonight/s7`)
      const tag = answered.headers.get('etag')!
      expect([tag, answered.headers.get('cache-control')]).toEqual(['W/"1"', 'no-cache'])
      const has = async (key: string, given: string): Promise<readonly [number, string]> => {
        const response = await fetch(`${listening.url}/v1/batch/tonight/${key}`, {
          headers: { 'if-none-match': given },
        })
        return [response.status, await response.text()]
      }
      for (const given of [tag, `"x", ${tag}`, '"1"', '*']) expect(await has('s7', given), given).toEqual([304, ''])
      expect((await has('s7', 'W/"2"'))[0]).toBe(200)
      // What a version does not say of a key may be another any time.
      expect((await has('nobody', tag))[0]).toBe(200)
      const client = connect<typeof defined>(listening.url)
      const many = await client.batches.tonight.lookupMany([{ shop: 's7' }, { shop: 's8' }])
      expect(many.map(({ rung, version, asOf }) => [rung, version, asOf?.getTime()])).toEqual([
        ['exact', 1, first],
        ['exact', 1, first],
      ])
      expect(await get('/v1/batches')).toMatchObject({
        status: 200,
        body: { batches: [{ batch: 'tonight', live: { version: 1 } }] },
      })
      expect(await get('/v1/batches/tonight/runs/live')).toMatchObject({ status: 200, body: { live: true } })
      const report = await fetch(`${listening.url}/v1/batches/tonight/runs/1/report`)
      expect(report.headers.get('content-security-policy')).toContain("default-src 'none'")
      const metrics = await (await fetch(`${listening.url}/metrics`)).text()
      const counted = /^sixfold_batch_lookups_total\{batch="tonight",rung="exact"\} (\d+)$/m.exec(metrics)
      expect(Number(counted?.[1])).toBeGreaterThanOrEqual(4)
    } finally {
      await listening.close()
    }
  })

  it('is answered from the archive while the cache has lost it, and by the cache again', async () => {
    await opened.stores.online.clear(Uint8Array.of(0x90))
    const [lost] = await opened.batches.lookup('tonight', [{ shop: 's7' }])
    expect(lost).toMatchObject({ rung: 'exact', version: 1 })
    await vi.waitFor(async () => {
      let entries = 0
      await opened.stores.online.read([markKey((await opened.batches.show('tonight', 'live')).run)], (_, value) => {
        if (value !== null) entries++
      })
      expect(entries).toBe(1)
    }, 5_000)
    expect((await opened.batches.lookup('tonight', [{ shop: 's7' }]))[0]).toMatchObject({ outputs: lost!.outputs })
  })

  it('keeps what is as it was, and gives the same bytes', async () => {
    const { batches } = opened
    const before = await batches.show('tonight', 'live')
    const { run, partitions } = await batches.run((await batches.begin('tonight', { at: first, actor: 'test' })).id)
    expect([run.state, run.version]).toEqual(['published', 2])
    expect(partitions.map(({ output }) => output!.sha256)).toEqual(
      before.partitions.map(({ output }) => output!.sha256),
    )
    expect(partitions.reduce((sum, { output }) => sum + output!.cost.inferred, 0)).toBe(0)
  })

  it('refuses what looks wrong, and leaves live what was', async () => {
    const { batches } = opened
    await write(folder, 2_500, '0')
    clock.advanceTo(first + day)
    const { run, live } = await batches.run((await batches.begin('tonight', { actor: 'test' })).id)
    expect([run.state, live]).toEqual(['refused', false])
    expect((await batches.show('tonight', 'live')).run.version).toBe(2)
    await expect(batches.publish(run.id, { actor: 'test', reason: null })).rejects.toMatchObject({
      code: 'SX_BATCH_REFUSED',
    })
    await expect(batches.publish(run.id, { actor: 'test', reason: null, override: true })).rejects.toMatchObject({
      code: 'SX_REQUEST_INVALID',
    })
    const published = await batches.publish(run.id, { actor: 'test', reason: 'a holiday', override: true })
    expect([published.run.state, published.live]).toEqual(['published', true])
    expect((published.run.verdict as { override: { reason: string } }).override.reason).toBe('a holiday')
    const [answer] = await batches.lookup('tonight', [{ shop: 's7' }])
    expect(answer!.version).toBe(3)
    const back = await batches.rollback('tonight', null, { actor: 'test', reason: 'wrong after all' })
    expect([back.run.version, back.live]).toEqual([2, true])
    const [again] = await batches.lookup('tonight', [{ shop: 's7' }])
    expect(again).toMatchObject({ version: 2, rung: 'exact' })
    const compared = await batches.compare('tonight', '2', '3')
    expect(compared.rows.rows).toEqual({ before: 2500, after: 2500, both: 2500 })
    const actions = (await opened.registry.audit({ limit: 20 })).map(({ action }) => action)
    expect(actions.filter((action) => action.startsWith('batch.'))).toEqual([
      'batch.published',
      'batch.published',
      'batch.refused',
      'batch.published',
      'batch.published',
    ])
  })
})
