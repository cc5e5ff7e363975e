/**
 * Kafka: one node, broker and controller. Topics are the test's to create. It begins as a copy of a folder that was formatted when
 * it was installed.
 */
import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Base } from '@platformatic/kafka'
import { java, kafkaFolder } from '../../scripts/installed.mjs'
import { freePort } from './port.ts'
import type { Service } from './process.ts'
import { dataFolder, startService } from './process.ts'

export interface KafkaOptions {
  readonly port?: number
  /** Where it tells clients to come, which is a proxy's port in a test of a network that fails. */
  readonly advertisedPort?: number
  /** More lines of server.properties; a later one counts before an earlier one of the same name. */
  readonly settings?: string
}

export async function startKafka(options: KafkaOptions = {}): Promise<Service> {
  const [port, controller, folder] = [options.port ?? (await freePort()), await freePort(), await dataFolder('kafka')]
  const [data, config] = [join(folder, 'data'), join(folder, 'server.properties')]
  await cp(join(kafkaFolder, 'formatted'), data, { recursive: true })
  await writeFile(config, properties(port, options.advertisedPort ?? port, controller, data) + (options.settings ?? ''))
  const url = `127.0.0.1:${port}`
  return startService({
    name: 'kafka',
    port,
    folder,
    url,
    command: [
      java() ?? 'java',
      // Small, and ready early rather than fast later.
      ...[
        '-Xms64m',
        '-Xmx256m',
        '-XX:+UseSerialGC',
        '-XX:TieredStopAtLevel=1',
        '-Xshare:auto',
        '-Djava.awt.headless=true',
      ],
      `-Dlog4j2.configurationFile=file:${join(kafkaFolder, 'log4j2.properties')}`,
      ...['-cp', join(kafkaFolder, 'jars/*'), 'kafka.Kafka', config],
    ],
    stopSignal: 'SIGTERM',
    healthy: () => listed(url),
  })
}

const properties = (port: number, advertised: number, controller: number, data: string): string =>
  `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controller}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}
advertised.listeners=PLAINTEXT://127.0.0.1:${advertised}
controller.listener.names=CONTROLLER
log.dirs=${data}
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
num.network.threads=2
num.io.threads=4
background.threads=2
log.cleaner.dedupe.buffer.size=4194304
`

/** A broker that has begun to listen is not in its own metadata until the controller has let it in. */
async function listed(url: string): Promise<void> {
  const client = new Base({
    clientId: 'sixfold-health',
    bootstrapBrokers: [url],
    connectTimeout: 1_000,
    requestTimeout: 2_000,
    timeout: 2_000,
    retries: 0,
  })
  client.on('error', () => {})
  try {
    const { brokers } = await client.metadata({ topics: [] })
    if (brokers.size === 0) throw new Error('kafka has no broker yet')
  } finally {
    await client.close()
  }
}
