/** A platform with models of every kind of gate: none of its own, facts that are asked for, and other people who approve. */
import type { Platform } from '../../src/definition/graph.ts'
import { count, entity, gate, mean, model, platform, source, view } from '../../src/index.ts'

const courier = entity('courier', { key: { courier: 'string' } })
const deliveries = source('deliveries', {
  fields: {
    courier: 'string',
    minutes: { type: 'float64', range: [0, 600] },
    delivered: 'timestamp',
  },
  time: 'delivered',
})
const pace = view('pace', {
  entity: courier,
  source: deliveries,
  features: ({ minutes }) => ({ mean_1d: mean(minutes).over('1d'), n_1d: count().over('1d') }),
})

const etaModel = <const Name extends string>(name: Name, other = 20) =>
  model(name, {
    inputs: { pace, request: { km: { type: 'float64', range: [0, 50] } } },
    vector: ({ pace, request }) => ({ mean_1d: pace.mean_1d.orElse(other), km: request.km, n: pace.n_1d }),
    output: { minutes: 'number' },
    fallback: () => ({ minutes: 30 }),
  })

/** `eta` has the gate that every model has; `strict` asks for facts; `careful` for the approval of two others. */
export const withGates = (other?: number): Platform => {
  const eta = etaModel('eta', other)
  const strict = etaModel('strict', other)
  const careful = etaModel('careful', other)
  return platform({
    courier,
    deliveries,
    pace,
    eta,
    strict,
    careful,
    strictGate: gate(strict, { require: { staging: ['data'], production: ['configuration', 'evaluation'] } }),
    carefulGate: gate(careful, { approvals: { production: 2 } }),
  }) as unknown as Platform
}
