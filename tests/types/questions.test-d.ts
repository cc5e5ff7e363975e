/** A wrong question is red on the line where it is wrong, in process and over HTTP alike. `messages.test.ts` reads what `tsc` says. */
import { sixfold } from 'sixfold'
import { connect } from 'sixfold/client'
import type { couriers } from './platform.ts'
import { couriers as definitions } from './platform.ts'

const app = sixfold(definitions)
const client = connect<typeof couriers>('http://localhost:6006')
const keys = { courier: 'ann', city: 7 }
const pickup = new Date()

export async function questions(): Promise<void> {
  // @ts-expect-error a misspelt model
  await client.etaa.predict(keys, { km: 1, pickup })
  // @ts-expect-error a misspelt model
  await app.predict('etaa', keys, { km: 1, pickup })
  // @ts-expect-error a missing key
  await client.eta.predict({ courier: 'ann' }, { km: 1, pickup })
  // @ts-expect-error a misspelt key
  await app.predict('eta', { curier: 'ann', city: 7 }, { km: 1, pickup })
  // @ts-expect-error a key of another type
  await client.eta.predict({ courier: 'ann', city: 'seven' }, { km: 1, pickup })
  // @ts-expect-error a misspelt request field
  await client.eta.predict(keys, { kmm: 1, km: 1, pickup })
  // @ts-expect-error a missing request field
  await app.predict('eta', keys, { km: 1 })
  // @ts-expect-error a text where a number is wanted
  await client.eta.predict(keys, { km: '3.5', pickup })
  // @ts-expect-error an instant is a Date, never a bare number
  await app.predict('eta', keys, { km: 1, pickup: 1714557600 })
  // @ts-expect-error null where it may not be missing
  await client.eta.predict(keys, { km: null, pickup })
  // @ts-expect-error a request is wanted
  await client.eta.predict(keys)

  // @ts-expect-error a misspelt output
  ;(await client.eta.predict(keys, { km: 1, pickup })).minuts
  const { mood } = await app.predict('mood', { courier: 'ann' })
  // @ts-expect-error a label that the model has not
  mood === 'ugly'

  // @ts-expect-error a misspelt view
  await client.features.paces.read({ courier: 'ann' })
  // @ts-expect-error a misspelt view
  await app.features('paces', { courier: 'ann' })
  // @ts-expect-error a misspelt feature
  ;(await client.features.pace.read({ courier: 'ann' })).mean_2d
  const { mean_1d } = await client.features.pace.read({ courier: 'ann' })
  // @ts-expect-error a feature that may be missing is no number yet
  mean_1d.toFixed()
  // @ts-expect-error the key of another view
  await client.features.pace.read({ city: 7 })
}

export async function events(): Promise<void> {
  const event = { courier: 'ann', city: 1, parcels: 2, rainy: false, delivered: new Date() }
  // @ts-expect-error a misspelt source
  await app.push('deliverys', [event])
  // @ts-expect-error a misspelt field
  await client.events.deliveries.push([{ ...event, minuts: 5 }])
  // @ts-expect-error a field of another type
  await client.events.deliveries.push([{ ...event, minutes: 'five' }])
  // @ts-expect-error a missing field
  await app.push('deliveries', [{ courier: 'ann', city: 1, parcels: 2, rainy: false }])
  // @ts-expect-error one event is no list of events
  await client.events.deliveries.push(event)
}

export async function outcomes(): Promise<void> {
  // @ts-expect-error a misspelt output
  await client.outcome('id', 'eta', { lat: true })
  // @ts-expect-error what came of a probability is true or false
  await client.outcome('id', 'eta', { late: 0.7 })
  // @ts-expect-error a label that the model has not
  await client.outcome('id', 'mood', { mood: 'ugly' })
  // @ts-expect-error a misspelt model
  await client.outcome('id', 'moood', { mood: 'good' })
}

// @ts-expect-error the platform's type is wanted, and not that of a definition
export const wrong = connect<typeof definitions.definitions.eta>('http://localhost:6006')
