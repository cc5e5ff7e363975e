/**
 * What the benchmarks run. Three views of users with twenty numbers in all, the latest of each: what a feature store without
 * windows can do too, so that both sides do the same work. And views with windows, for what only this side does.
 */
import { count, entity, last, mean, model, parquet, platform, source, sum, view } from 'sixfold'

const user = entity('user', { key: { user_id: 'int64' } })

const six = { f0: 'float64', f1: 'float64', f2: 'float64', f3: 'float64', f4: 'float64', f5: 'float64' } as const
const eight = { ...six, f6: 'float64', f7: 'float64' } as const
const event = { user_id: 'int64', ts: 'timestamp' } as const

// Snapshots are seen from their own instant on, as the peers see them.
const a = source('a', {
  fields: { ...event, ...eight },
  time: 'ts',
  asOf: 'inclusive',
  history: parquet('va.parquet'),
})
const b = source('b', {
  fields: { ...event, ...six },
  time: 'ts',
  asOf: 'inclusive',
  history: parquet('vb.parquet'),
})
const c = source('c', {
  fields: { ...event, ...six },
  time: 'ts',
  asOf: 'inclusive',
  history: parquet('vc.parquet'),
})

const va = view('va', {
  entity: user,
  source: a,
  features: ({ f0, f1, f2, f3, f4, f5, f6, f7 }) => ({
    f0: last(f0).ever(),
    f1: last(f1).ever(),
    f2: last(f2).ever(),
    f3: last(f3).ever(),
    f4: last(f4).ever(),
    f5: last(f5).ever(),
    f6: last(f6).ever(),
    f7: last(f7).ever(),
  }),
})
const vb = view('vb', {
  entity: user,
  source: b,
  features: ({ f0, f1, f2, f3, f4, f5 }) => ({
    f0: last(f0).ever(),
    f1: last(f1).ever(),
    f2: last(f2).ever(),
    f3: last(f3).ever(),
    f4: last(f4).ever(),
    f5: last(f5).ever(),
  }),
})
const vc = view('vc', {
  entity: user,
  source: c,
  features: ({ f0, f1, f2, f3, f4, f5 }) => ({
    f0: last(f0).ever(),
    f1: last(f1).ever(),
    f2: last(f2).ever(),
    f3: last(f3).ever(),
    f4: last(f4).ever(),
    f5: last(f5).ever(),
  }),
})

/** A model of one tensor with twenty numbers, in the order of the views. */
const score = model('score', {
  inputs: { va, vb, vc },
  vector: ({ va, vb, vc }) => ({
    a0: va.f0.orElse(0),
    a1: va.f1.orElse(0),
    a2: va.f2.orElse(0),
    a3: va.f3.orElse(0),
    a4: va.f4.orElse(0),
    a5: va.f5.orElse(0),
    a6: va.f6.orElse(0),
    a7: va.f7.orElse(0),
    b0: vb.f0.orElse(0),
    b1: vb.f1.orElse(0),
    b2: vb.f2.orElse(0),
    b3: vb.f3.orElse(0),
    b4: vb.f4.orElse(0),
    b5: vb.f5.orElse(0),
    c0: vc.f0.orElse(0),
    c1: vc.f1.orElse(0),
    c2: vc.f2.orElse(0),
    c3: vc.f3.orElse(0),
    c4: vc.f4.orElse(0),
    c5: vc.f5.orElse(0),
  }),
  output: { score: 'probability' },
  fallback: () => ({ score: 0.5 }),
})

// --- few entities with many events

const d = source('d', { fields: { ...event, f0: 'float64' }, time: 'ts', history: parquet('dense.parquet') })
const dense = view('dense', {
  entity: user,
  source: d,
  features: ({ f0 }) => ({ n: count().over('7d'), sum: sum(f0).over('7d'), mean: mean(f0).over('7d') }),
})

// --- views of different entities, with windows

const shop = entity('shop', { key: { shop: 'string' } })
const city = entity('city', { key: { city: 'string' } })
const payment = { amount: 'float64', ok: 'boolean', at: 'timestamp' } as const
const paid = source('paid', {
  fields: { user_id: 'int64', ...payment },
  time: 'at',
  history: parquet('paid.parquet'),
})
const sold = source('sold', {
  fields: { shop: 'string', ...payment },
  time: 'at',
  history: parquet('sold.parquet'),
})
const seen = source('seen', {
  fields: { city: 'string', ...payment },
  time: 'at',
  history: parquet('seen.parquet'),
})
const spending = view('spending', {
  entity: user,
  source: paid,
  features: ({ amount, ok }) => ({
    n_1h: count().over('1h'),
    mean_3h: mean(amount).over('3h'),
    rate_1d: mean(ok).over('1d'),
  }),
})
const sales = view('sales', {
  entity: shop,
  source: sold,
  features: ({ amount, ok }) => ({
    n_6h: count().over('6h'),
    sum_1d: sum(amount).over('1d'),
    rate_7d: mean(ok).over('7d'),
  }),
})
const sightings = view('sightings', {
  entity: city,
  source: seen,
  features: ({ amount, ok }) => ({ amount: last(amount).ever(), ok: last(ok).ever() }),
})

export default platform({
  user,
  shop,
  city,
  a,
  b,
  c,
  va,
  vb,
  vc,
  score,
  d,
  dense,
  paid,
  sold,
  seen,
  spending,
  sales,
  sightings,
})
