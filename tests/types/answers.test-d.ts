/** What is right stays green, and has exactly the types that it should: `Same` refuses a wider or a narrower one. */
import type { BooleanExpression, NumberExpression, TimestampExpression } from 'sixfold'
import { type mean, model, sixfold } from 'sixfold'
import { connect } from 'sixfold/client'
import type { couriers } from './platform.ts'
import { couriers as definitions, pace } from './platform.ts'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : never
type Feature<K extends keyof typeof pace.features> = (typeof pace)['features'][K]

const app = sixfold(definitions)
const client = connect<typeof couriers>('http://localhost:6006')

export const features: readonly true[] = [
  // A count of nothing is 0, a mean of nothing is missing.
  true satisfies Same<Feature<'deliveries_1d'>, NumberExpression<'moment', never>>,
  true satisfies Same<Feature<'mean_1d'>, NumberExpression<'moment', null>>,
  true satisfies Same<Feature<'rainy_1d'>, NumberExpression<'moment', null>>,
  true satisfies Same<Feature<'latest'>, TimestampExpression<'moment', null>>,
]

export async function answers(): Promise<readonly true[]> {
  const keys = { courier: 'ann', city: 7 }
  const request = { km: 3.5, pickup: new Date() }
  const inProcess = await app.predict('eta', keys, request)
  const remote = await client.eta.predict(keys, { ...request, note: null }, { at: new Date() })
  const mood = await client.mood.predict({ courier: 'ann' })
  const read = await client.features.pace.read({ courier: 'ann' })
  const also = await app.features('load', { city: 9007199254740993n })
  await app.push('deliveries', [
    { courier: 'ann', city: 1n, parcels: 2, rainy: false, delivered: new Date() },
    { courier: 'ann', city: 1, parcels: 2, rainy: false, delivered: new Date(), minutes: null },
  ])
  await client.outcome('id', 'eta', { late: true, minutes: 12 })
  await client.outcome('id', 'mood', { mood: 'bad' })
  return [
    true satisfies Same<typeof inProcess.minutes, number>,
    true satisfies Same<typeof remote.late, number>,
    true satisfies Same<typeof mood.mood, 'good' | 'bad'>,
    true satisfies Same<typeof remote.record.version, string | null>,
    true satisfies Same<typeof remote.record.at, Date>,
    true satisfies Same<
      typeof read,
      {
        readonly deliveries_1d: number
        readonly mean_1d: number | null
        readonly rainy_1d: number | null
        /** Milliseconds since the epoch. */
        readonly latest: number | null
      }
    >,
    true satisfies Same<typeof also, { readonly parcels: number | null }>,
  ]
}

model('m', {
  inputs: { pace },
  vector: ({ pace: { mean_1d, deliveries_1d } }) => {
    true satisfies Same<ReturnType<typeof mean_1d.isMissing>, BooleanExpression<'moment', never>>
    const filled: NumberExpression<'moment', never> = mean_1d.orElse(0).plus(deliveries_1d)
    const compared: BooleanExpression<'moment', null> = deliveries_1d.gt(mean_1d)
    // @ts-expect-error a comparison with what may be missing may be missing
    const certain: BooleanExpression<'moment', never> = deliveries_1d.gt(mean_1d)
    return { filled, compared, certain }
  },
  output: { p: 'probability' },
  fallback: () => ({ p: 0.2 }),
})

// An aggregate is no expression until it has a window.
export const unwindowed: keyof ReturnType<typeof mean> = 'over'
