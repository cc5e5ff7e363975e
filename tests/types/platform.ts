/** The definitions that the type tests are about. Checked by `tsc`, never run. */
import { count, entity, label, last, mean, model, platform, source, sum, view } from 'sixfold'

export const courier = entity('courier', { key: { courier: 'string' } })
export const city = entity('city', { key: { city: 'int64' } })
export const deliveries = source('deliveries', {
  fields: {
    courier: 'string',
    city: 'int64',
    minutes: 'float64?',
    parcels: 'int64',
    rainy: 'boolean',
    delivered: 'timestamp',
  },
  time: 'delivered',
})
export const pace = view('pace', {
  entity: courier,
  source: deliveries,
  features: ({ minutes, rainy, delivered }) => ({
    deliveries_1d: count().over('1d'),
    mean_1d: mean(minutes).over('1d'),
    rainy_1d: mean(rainy).over('1d'),
    latest: last(delivered).ever(),
  }),
})
export const load = view('load', {
  entity: city,
  source: deliveries,
  features: ({ parcels }) => ({ parcels: sum(parcels).over('1h') }),
})
export const eta = model('eta', {
  inputs: { pace, load, request: { km: 'float64', note: 'string?', pickup: 'timestamp' } },
  vector: ({ pace, load, request }) => ({ mean: pace.mean_1d, parcels: load.parcels, km: request.km }),
  output: { minutes: 'number', late: 'probability' },
  fallback: ({ pace }) => ({ minutes: pace.mean_1d.orElse(30), late: 0.2 }),
})
export const mood = model('mood', {
  inputs: { pace },
  vector: ({ pace }) => ({ mean: pace.mean_1d }),
  output: { mood: label('good', 'bad') },
  fallback: () => ({ mood: 'good' }),
})
export const couriers = platform({ courier, city, deliveries, pace, load, eta, mood })
