/** A wrong definition is red on the line where it is wrong. `messages.test.ts` reads what `tsc` says of some. */
import {
  bounded,
  count,
  entity,
  gate,
  increasing,
  label,
  last,
  max,
  mean,
  min,
  model,
  parquet,
  source,
  sum,
  view,
} from 'sixfold'
import { courier, deliveries, eta, load, pace } from './platform.ts'

// --- entities and sources
// @ts-expect-error a type that no key can have
entity('tail', { key: { tail: 'float64' } })
source('s', {
  // @ts-expect-error a misspelt type
  fields: { at: 'timestamp', minutes: 'flot64' },
  time: 'at',
})
// @ts-expect-error the time column is misspelt
source('s', { fields: { delivered: 'timestamp' }, time: 'deliverd' })
// @ts-expect-error the time column is no instant
source('s', { fields: { delivered: 'float64' }, time: 'delivered' })
// @ts-expect-error a range on a text
source('s', { fields: { at: 'timestamp', name: { type: 'string', range: [0, 1] } }, time: 'at' })
// @ts-expect-error no such unit of time
source('s', { fields: { at: 'timestamp' }, time: 'at', known: { after: '10min' } })
// @ts-expect-error an id that may be missing
source('s', { fields: { at: 'timestamp', order: 'string?' }, time: 'at', id: 'order' })

// --- views and expressions
const other = source('other', { fields: { who: 'string', minutes: 'float64', at: 'timestamp' }, time: 'at' })
// @ts-expect-error the source has no column of the key's name, and `on` does not say which it is
view('v', { entity: courier, source: other, features: () => ({ n: count().over('1h') }) })
// @ts-expect-error `on` names a column of another type than the key's
view('v', { entity: courier, source: other, on: { courier: 'minutes' }, features: () => ({ n: count().over('1h') }) })
view('v', { entity: courier, source: other, on: { courier: 'who' }, features: () => ({ n: count().over('1h') }) })

view('v', {
  entity: courier,
  source: deliveries,
  features: ({ minutes, courier, delivered, parcels, ...columns }) => ({
    // @ts-expect-error a misspelt column
    misspelt: mean(columns.minuts).over('1h'),
    // @ts-expect-error a mean of texts
    text: mean(courier).over('1h'),
    // @ts-expect-error a sum of instants
    instants: sum(delivered).over('1h'),
    // @ts-expect-error texts have no least
    least: min(courier).over('1h'),
    // @ts-expect-error arithmetic refuses a text
    arithmetic: sum(minutes.plus('15')).over('1h'),
    // @ts-expect-error a number is compared with a text
    compared: mean(minutes.gt(courier)).over('1h'),
    // @ts-expect-error numbers have no hour
    hour: mean(minutes.hour()).over('1h'),
    // @ts-expect-error a window without a unit
    window: count().over('3'),
    // @ts-expect-error a window of a fraction
    fraction: count().over('1.5h'),
    // @ts-expect-error a condition is true or false
    where: count().where(minutes).over('1h'),
    // @ts-expect-error an aggregate of an aggregate
    nested: mean(mean(minutes).over('1h')).over('1d'),
    // @ts-expect-error a value at a moment mixed with one of an event
    mixed: mean(minutes).over('1h').minus(minutes),
    // @ts-expect-error a value of an event mixed with one at a moment
    mixedBack: max(parcels.plus(count().over('1h'))).over('1h'),
    right: last(minutes).over('1h').orElse(0),
  }),
})
// @ts-expect-error a column has no value at a moment
view('v', { entity: courier, source: deliveries, features: ({ minutes }) => ({ minutes }) })
// @ts-expect-error an aggregate without its window
view('v', { entity: courier, source: deliveries, features: ({ minutes }) => ({ mean: mean(minutes) }) })
// @ts-expect-error a misspelt feature
pace.pick('mean_2d')
// @ts-expect-error a role for a key that the view does not have
pace.as({ curier: 'other' })

// --- models
const inputs = { pace, request: { km: 'float64' } } as const
const rest = { output: { p: 'probability' }, fallback: () => ({ p: 0.2 }) } as const
model('m', {
  inputs,
  ...rest,
  vector: ({ pace, request }) => ({
    // @ts-expect-error a misspelt feature
    misspelt: pace.mean_2d.orElse(0),
    // @ts-expect-error a misspelt request field
    distance: request.kmm,
    // @ts-expect-error a text where a number is wanted
    filled: pace.mean_1d.orElse('0'),
  }),
})
// @ts-expect-error an aggregate without its window
model('m', { inputs, ...rest, vector: () => ({ n: count() }) })
// @ts-expect-error an instant is no entry of a vector: take its hour, or the time since
model('m', { inputs, ...rest, vector: ({ pace }) => ({ latest: pace.latest }) })
// @ts-expect-error what may be missing cannot be the last thing that answers
model('m', { inputs, output: { p: 'probability' }, vector: () => ({}), fallback: ({ pace }) => ({ p: pace.rainy_1d }) })
model('m', {
  inputs,
  output: { p: 'number' },
  vector: () => ({}),
  // @ts-expect-error a division may be missing
  fallback: ({ request }) => ({ p: request.km.dividedBy(2) }),
})
// @ts-expect-error the fallback lacks an output
model('m', { inputs, output: { p: 'probability', q: 'number' }, vector: () => ({}), fallback: () => ({ p: 0.2 }) })
// @ts-expect-error the fallback gives an output that the model has not
model('m', { inputs, output: { p: 'probability' }, vector: () => ({}), fallback: () => ({ p: 0.2, q: 1 }) })
// @ts-expect-error the fallback gives a label that the model has not
model('m', { inputs, output: { a: label('go', 'stay') }, vector: () => ({}), fallback: () => ({ a: 'wait' }) })
// @ts-expect-error a kind of output that does not exist
model('m', { inputs, output: { p: 'probabilty' }, vector: () => ({}), fallback: () => ({ p: 0.2 }) })
// @ts-expect-error a budget with a stage that there is not
model('m', { inputs, ...rest, budget: { total: 100, infer: 40 }, vector: () => ({}) })

const numbered = view('numbered', {
  entity: entity('numbered', { key: { courier: 'int64' } }),
  source: deliveries,
  on: { courier: 'city' },
  features: () => ({ n: count().over('1h') }),
})
// @ts-expect-error two views with a key of one name and two types
model('m', { inputs: { pace, numbered }, ...rest, vector: () => ({}) })
model('m', { inputs: { pace, load }, ...rest, vector: ({ load }) => ({ n: load.parcels }) })

// --- gates
gate(eta, {
  invariants: {
    far: increasing('minutes', 'km'),
    late: bounded('late', 0, 1),
    // @ts-expect-error a misspelt output
    misspelt: bounded('lat', 0, 1),
    // @ts-expect-error a misspelt entry
    entry: increasing('late', 'kn'),
    own: { holds: ({ vector, output }) => output.late.lte(0.5).or(vector.km.gt(3)) },
    changed: {
      change: ({ vector }) => ({ km: vector.km.plus(1) }),
      holds: ({ before, after }) => after.late.gte(before.late),
    },
    family: {
      // @ts-expect-error a number cannot become a text
      change: () => ({ km: 'far' }),
      holds: ({ before, after }) => after.late.gte(before.late),
    },
  },
  // @ts-expect-error a fact that there is not
  require: { staging: ['dta'] },
  // @ts-expect-error an output that the model does not have
  heldOut: { data: parquet('h.parquet'), labels: { lat: 'x' } },
  slices: { far: { of: ({ vector }) => vector.km.gt(10) } },
})
