/** Pushes a day of deliveries, asks about new ones, tells what came of them, and then serves all of it over HTTP. */
import { sixfold } from 'sixfold'
import couriers from './platform.ts'
import { dayOfDeliveries, minutesItTook } from './simulation.ts'

const app = sixfold(couriers)
const say = (text: string): void => void process.stdout.write(`${text}\n`)

say('1. What happened: the deliveries of the last day')
const { accepted, duplicates } = await app.push('deliveries', dayOfDeliveries(new Date()))
say(`   ${accepted} pushed, and ${duplicates} that were known already`)

say('2. A model that was trained elsewhere')
const { version } = await app.addModel('eta', 'models/eta.onnx')
say(`   models/eta.onnx is version ${version} of eta`)

say('3. Predictions, from what each courier did lately')
const ann = await app.predict('eta', { courier: 'ann' }, { km: 3.2 })
say(`   ann, 3.2 km: ${ann.minutes.toFixed(1)} minutes, answered in ${ann.record.milliseconds.total.toFixed(1)} ms`)
const zoe = await app.predict('eta', { courier: 'zoe' }, { km: 3.2 })
say(`   zoe, 3.2 km: ${zoe.minutes.toFixed(1)} minutes, by the fallback: zoe has not delivered anything yet`)

say('4. What came of them, and how good the answers were')
for (let i = 0; i < 100; i++) {
  const courier = ['ann', 'bob', 'cem'][i % 3]!
  const km = 1 + (i % 9) / 2
  const { record } = await app.predict('eta', { courier }, { km })
  await app.outcomes([{ id: record.id!, outcome: { minutes: minutesItTook(courier, km) } }])
}
const { quality } = (await app.status()).models[0]!
const minutes = quality.outputs['minutes']
if (minutes?.kind === 'number') {
  const { examples, rootMeanSquareError, baseRootMeanSquareError } = minutes.total
  say(`   ${examples} outcomes: root mean square error ${rootMeanSquareError?.toFixed(1)} minutes`)
  say(`   Always answering their mean would have had ${baseRootMeanSquareError?.toFixed(1)}.`)
}

const server = await app.listen({ port: Number(process.env['PORT'] ?? 6006) })
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, async () => {
    await server.close()
    await app.close()
  })
say(`\nThe console is at ${server.url}, until Ctrl-C. Ask over HTTP:`)
say(`  curl -s ${server.url}/v1/models/eta/predict -H 'content-type: application/json' \\`)
say(`    -d '{"keys": {"courier": "bob"}, "request": {"km": 3.2}}'`)
