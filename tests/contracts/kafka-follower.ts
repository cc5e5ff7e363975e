/** A process that follows a topic as one of a group, and says what it was given and what it took, a line of JSON each. */
import { kafkaEventLog } from '../../src/adapters/kafka/event-log.ts'

const [broker, prefix, topic, group] = process.argv.slice(2) as [string, string, string, string]
const say = (what: object): void => {
  process.stdout.write(`${JSON.stringify(what)}\n`)
}
const log = await kafkaEventLog({
  ...{ brokers: [broker], prefix, partitions: 4, replication: 1, tls: false, sasl: null },
  ...{ bufferBytes: 4 * 1024 * 1024, patienceMs: 10_000 },
})
const positions = new Map<number, number>()
const following = await log.follow([topic], group, async (_, partition) => {
  let from = positions.get(partition) ?? 0
  for (;;) {
    const entries = await log.read(topic, partition, from, 64)
    if (entries.length === 0) return from
    from = entries.at(-1)!.position + 1
    positions.set(partition, from)
    say({ took: entries.map(({ bytes }) => new TextDecoder().decode(bytes)) })
  }
})
let said = ''
const watching = setInterval(() => {
  const assigned = following.assigned.map(({ partition }) => partition).sort()
  if (JSON.stringify(assigned) !== said) say({ assigned })
  said = JSON.stringify(assigned)
}, 50)
process.once('SIGTERM', async () => {
  clearInterval(watching)
  await following.close()
  await log.close()
})
