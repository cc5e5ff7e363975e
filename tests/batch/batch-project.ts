/** A project with a batch of 2,500 rows, a model of its own, and the program called there: for whoever starts commands of batches. */
import { linearModel } from '../cli/onnx.ts'
import type { Project, Ran } from '../cli/project.ts'
import { project } from '../cli/project.ts'

const platformText = (schedule: string): string => `
import { batch, count, cron, entity, model, parquet, platform, source, view } from 'sixfold'

const shop = entity('shop', { key: { shop: 'int64' } })
const sales = source('sales', {
  fields: { shop: 'int64', at: 'timestamp' }, time: 'at', zone: 'UTC', history: parquet('sales.parquet'),
})
const trade = view('trade', { entity: shop, source: sales, features: () => ({ sales: count().ever() }) })
const idle = model('idle', {
  inputs: { trade, request: { size: 'float64' } },
  vector: ({ trade, request }) => ({ sales: trade.sales, size: request.size }),
  output: { days: 'number' },
  fallback: () => ({ days: 1 }),
})
const nightly = batch('nightly', {
  model: idle,
  rows: parquet('shops.parquet'),
  partitionRows: 1000,
  schedule: cron('${schedule}', { zone: 'Europe/Berlin' }),
})
export default platform({ shop, sales, trade, idle, nightly })
`

export interface BatchProject extends Project {
  /** So many shops, numbered from 0 on. */
  shops(count: number): Promise<void>
  /** What a command answers, as its last line says it. */
  told<T>(...args: readonly string[]): Promise<Ran & { readonly answer: T }>
}

export async function batchProject(schedule = '30 2 * * *'): Promise<BatchProject> {
  const made = await project(platformText(schedule))
  await made.sql(
    `COPY (SELECT CAST(i % 7 AS BIGINT) AS shop, TIMESTAMP '2026-01-01' + to_hours(CAST(i AS INTEGER)) AS at FROM range(70) t(i)) TO '${made.path('sales.parquet')}' (FORMAT parquet)`,
  )
  await made.write('idle.onnx', linearModel('days', [1, 0.5], 2))
  const one: BatchProject = {
    ...made,
    shops: async (count) => {
      await made.sql(
        `COPY (SELECT CAST(i AS BIGINT) AS shop, CAST(i % 10 AS DOUBLE) AS size FROM range(${count}) t(i)) TO '${made.path('shops.parquet')}' (FORMAT parquet)`,
      )
    },
    told: async <T>(...args: readonly string[]) => {
      const ran = await made.run(...args, '--json')
      return { ...ran, answer: JSON.parse(ran.out.trim().split('\n').at(-1) ?? 'null') as T }
    },
  }
  await one.shops(2500)
  const applied = await made.run('apply')
  if (applied.code !== 0) throw new Error(applied.err)
  const added = await made.run('model', 'add', 'idle', 'idle.onnx', '--note', 'first')
  if (added.code !== 0) throw new Error(added.err + added.out)
  return one
}
