/** A model over twelve numbers: all of the rows themselves, or six of them and six of what was known of a user at the instant of a row. */
import { batch, count, entity, mean, model, parquet, platform, source, sum, view } from '../sixfold.ts'

const six = { f0: 'float64', f1: 'float64', f2: 'float64', f3: 'float64', f4: 'float64', f5: 'float64' } as const
const twelve = {
  ...six,
  ...({ f6: 'float64', f7: 'float64', f8: 'float64', f9: 'float64', f10: 'float64', f11: 'float64' } as const),
}
const output = { score: 'probability' } as const

export const platformOver = (rows: string) => {
  const score = model('score', {
    inputs: { request: twelve },
    vector: ({ request }) => ({ ...request }),
    output,
    fallback: () => ({ score: 0.5 }),
  })
  const nightly = batch('nightly', { model: score, key: { id: 'int64' }, rows: parquet(rows) })
  return platform({ score, nightly })
}

export const platformWithFeatures = (rows: string, events: string) => {
  const user = entity('user', { key: { user_id: 'int64' } })
  const paid = source('paid', {
    fields: { user_id: 'int64', ts: 'timestamp', f0: 'float64' },
    time: 'ts',
    history: parquet(events),
  })
  const spending = view('spending', {
    entity: user,
    source: paid,
    features: ({ f0 }) => ({
      ...{ n_1d: count().over('1d'), sum_1d: sum(f0).over('1d'), mean_1d: mean(f0).over('1d') },
      ...{ n_7d: count().over('7d'), sum_7d: sum(f0).over('7d'), mean_7d: mean(f0).over('7d') },
    }),
  })
  const score = model('score', {
    inputs: { spending, request: six },
    vector: ({ spending, request }) => ({
      ...request,
      ...{ n_1d: spending.n_1d, sum_1d: spending.sum_1d, mean_1d: spending.mean_1d },
      ...{ n_7d: spending.n_7d, sum_7d: spending.sum_7d, mean_7d: spending.mean_7d },
    }),
    output,
    fallback: () => ({ score: 0.5 }),
  })
  const nightly = batch('nightly', {
    model: score,
    key: { id: 'int64' },
    rows: parquet(rows),
    at: { column: 'seen' },
  })
  return platform({ user, paid, spending, score, nightly })
}
