/** How long will this delivery take? Asked when the courier sets off, answered from how quick the courier was lately. */
import { count, entity, model, platform, source, sum, view } from 'sixfold'

const courier = entity('courier', { key: { courier: 'string' } })

/** What happens: pushed when a delivery is done. Two pushes with the same order count once. */
const deliveries = source('deliveries', {
  fields: {
    order: 'string',
    courier: 'string',
    km: { type: 'float64', range: [0.1, 100] },
    minutes: 'float64',
    delivered: 'timestamp',
  },
  time: 'delivered',
  id: 'order',
})

/** What is kept of it for each courier, and is up to date with each push. */
const pace = view('pace', {
  entity: courier,
  source: deliveries,
  features: ({ minutes, km }) => ({
    minutes_per_km_1d: sum(minutes).over('1d').dividedBy(sum(km).over('1d')),
    deliveries_1d: count().over('1d'),
  }),
})

/** What is asked. The vector is what the ONNX file was trained with; the fallback answers where the file cannot. */
const eta = model('eta', {
  inputs: { pace, request: { km: { type: 'float64', range: [0.1, 100] } } },
  vector: ({ pace, request }) => ({
    km: request.km,
    at_own_pace: pace.minutes_per_km_1d.times(request.km),
  }),
  output: { minutes: 'number' },
  fallback: ({ request }) => ({ minutes: request.km.orElse(3).times(6) }),
})

export default platform({ courier, deliveries, pace, eta })
