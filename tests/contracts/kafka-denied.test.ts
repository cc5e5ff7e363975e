/** What Kafka refuses, and how it is told of: a password, a right, a size; and what `inspect` finds wrong with topics. */
import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  alterUserScramCredentialsV0,
  Connection,
  createAclsV3,
  createTopicsV7,
  deleteRecordsV2,
} from '@platformatic/kafka'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { KafkaOptions } from '../../src/adapters/kafka/event-log.ts'
import { kafkaEventLog } from '../../src/adapters/kafka/event-log.ts'
import type { SixfoldError } from '../../src/kernel/errors.ts'
import type { Service } from '../services/index.ts'
import { describeWith, freePort, startKafka } from '../services/index.ts'

const login = 'org.apache.kafka.common.security'

describeWith(['kafka'], 'kafka, where it refuses', () => {
  let kafka: Service
  let port: number
  let admin: Connection
  beforeAll(async () => {
    const plain = await freePort()
    port = await freePort()
    const controller = await freePort()
    kafka = await startKafka({
      port: plain,
      // Who comes without a password may do everything, which is for the test to prepare things; who comes with one, what is granted.
      settings: `
listeners=PLAINTEXT://127.0.0.1:${plain},SASL_PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}
advertised.listeners=PLAINTEXT://127.0.0.1:${plain},SASL_PLAINTEXT://127.0.0.1:${port}
controller.quorum.voters=1@127.0.0.1:${controller}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl_plaintext.plain.sasl.jaas.config=${login}.plain.PlainLoginModule required user_owner="right" user_guest="right";
listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config=${login}.scram.ScramLoginModule required;
listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config=${login}.scram.ScramLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:owner;User:scram
`,
    })
    admin = new Connection('test')
    await admin.connect('127.0.0.1', plain)
  }, 120_000)
  afterAll(async () => {
    await admin.close()
    await kafka.close()
  })

  const options = (prefix: string, username = 'owner', password = 'right'): KafkaOptions => ({
    ...{ brokers: [`127.0.0.1:${port}`], prefix, partitions: 1, replication: 1, tls: false },
    ...{ bufferBytes: 64 * 1024 * 1024, patienceMs: 5_000, sasl: { mechanism: 'PLAIN', username, password } },
  })
  const create = (name: string, settings: Record<string, string>): Promise<unknown> => {
    const configs = Object.entries(settings).map(([key, value]) => ({ name: key, value }))
    const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs }
    return createTopicsV7.api.async(admin, [topic], 5_000, false)
  }

  it('takes users with passwords of each mechanism', { timeout: 60_000 }, async () => {
    for (const [mechanism, hash, number] of [
      ['SCRAM-SHA-256', 'sha256', 1],
      ['SCRAM-SHA-512', 'sha512', 2],
    ] as const) {
      const salt = randomBytes(16)
      const saltedPassword = pbkdf2Sync('salted', salt, 4096, number === 1 ? 32 : 64, hash)
      await alterUserScramCredentialsV0.api.async(
        admin,
        [],
        [{ name: 'scram', mechanism: number, iterations: 4096, salt, saltedPassword }],
      )
      await sleep(500)
      const log = await kafkaEventLog({
        ...options('scram'),
        sasl: { mechanism, username: 'scram', password: 'salted' },
      })
      await log.append('events', [Buffer.from(mechanism)]).durable
      await log.close()
    }
    const log = await kafkaEventLog(options('scram'))
    expect((await log.read('events', 0, 0, 10)).map(({ bytes }) => Buffer.from(bytes).toString())).toEqual([
      'SCRAM-SHA-256',
      'SCRAM-SHA-512',
    ])
    await log.close()
  })

  it('refuses a wrong password at once, and does not tell it', async () => {
    const began = performance.now()
    const error = await kafkaEventLog(options('wrong', 'owner', 'secret-and-wrong')).catch(
      (reason: SixfoldError) => reason,
    )
    expect(error).toMatchObject({ code: 'SX_STORE_DENIED', message: expect.stringContaining(`127.0.0.1:${port}`) })
    expect(performance.now() - began).toBeLessThan(4_000)
    expect(JSON.stringify(error) + String((error as SixfoldError).stack)).not.toContain('secret-and-wrong')
  })

  it('says which right is missing to create a topic, to append to one, and to follow one', async () => {
    const guest = await kafkaEventLog(options('denied', 'guest'))
    await expect(guest.append('events', [Buffer.from('a')]).durable).rejects.toMatchObject({
      code: 'SX_STORE_DENIED',
      message: expect.stringContaining('denied.events'),
    })
    await create('denied.events', {})
    // May see the topics, and no more.
    const seeing = { resourceType: 2, resourceName: 'denied.', resourcePatternType: 4, operation: 8 } as const
    await createAclsV3.api.async(admin, [{ ...seeing, principal: 'User:guest', host: '*', permissionType: 3 }])
    await expect
      .poll(async () => (await guest.topics()).map(({ topic }) => topic), { timeout: 5_000 })
      .toEqual(['events'])
    await expect(guest.append('events', [Buffer.from('a')]).durable).rejects.toMatchObject({ code: 'SX_STORE_DENIED' })
    await expect(guest.read('events', 0, 0, 1)).rejects.toMatchObject({ code: 'SX_STORE_DENIED' })
    await expect(guest.follow(['events'], 'views', async () => 0)).rejects.toMatchObject({ code: 'SX_STORE_DENIED' })
    await guest.close()
  })

  it('tells of an append that is larger than the topic takes, and takes the ones beside it', async () => {
    await create('small.events', { 'max.message.bytes': '100000' })
    const log = await kafkaEventLog(options('small'))
    const outcomes = await Promise.allSettled(
      [40_000, 200_000, 40_000, 40_000].map((bytes) => log.append('events', [randomBytes(bytes)]).durable),
    )
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
    expect(outcomes[1]).toMatchObject({
      reason: { code: 'SX_STORE_DENIED', fix: expect.stringContaining('max.message.bytes') },
    })
    expect((await log.read('events', 0, 0, 10)).map(({ bytes }) => bytes.length)).toEqual([40_000, 40_000, 40_000])
    // Its own topics take what a request may hold.
    await log.append('large', [Buffer.alloc(8 * 1024 * 1024, 1), randomBytes(8 * 1024 * 1024)]).durable
    await log.close()
  })

  it('begins to read at what retention has left', async () => {
    const log = await kafkaEventLog(options('aged'))
    for (let index = 0; index < 5; index += 1) await log.append('events', [Buffer.from(String(index))]).durable
    const partitions = [{ partitionIndex: 0, offset: 3n }]
    await deleteRecordsV2.api.async(admin, [{ name: 'aged.events', partitions }], 5_000)
    const left = await log.read('events', 0, 0, 10)
    expect(left.map(({ position, bytes }) => [position, Buffer.from(bytes).toString()])).toEqual([
      [3, '3'],
      [4, '4'],
    ])
    await log.close()
  })

  it('inspects: topics that forget, take little, or cannot be made', async () => {
    await create('short.events', { 'retention.ms': '60000', 'max.message.bytes': '1000000' })
    const log = await kafkaEventLog({ ...options('short'), replication: 3 })
    const { problems, facts, version } = await log.inspect()
    expect(version).toMatch(/^\d/)
    expect(facts.map(({ name }) => name)).toEqual(['cluster', 'brokers', 'topics', 'partitions'])
    expect(problems.map(({ severity, what }) => [severity, what.slice(0, 40)])).toEqual([
      ['error', 'A replication of 3 is configured; the cl'],
      ['warning', "Topic 'short.events' forgets (retention."],
      ['warning', "Topic 'short.events' takes 1000000 bytes"],
    ])
    await expect(log.append('others', [Buffer.from('a')]).durable).rejects.toMatchObject({ code: 'SX_CONFIG_INVALID' })
    await log.close()
  })
})
