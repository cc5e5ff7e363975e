/** The laws of the event log, held by each adapter. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { fileEventLog } from '../../src/adapters/files/event-log.ts'
import { kafkaEventLog } from '../../src/adapters/kafka/event-log.ts'
import type { EventLog } from '../../src/ports/event-log.ts'
import { eventLogCases } from '../../src/testing/event-log.ts'
import type { Service } from '../services/index.ts'
import { describeWith, startKafka } from '../services/index.ts'
import { places } from './places.ts'

describe('files', () => {
  const root = mkdtempSync(join(tmpdir(), 'sixfold-log-'))
  afterAll(() => rmSync(root, { recursive: true }))
  const opened = (place: string, options = {}): EventLog =>
    fileEventLog({ folder: join(root, place), writable: true, ...options })
  for (const { name, run } of eventLogCases({ ...places(opened), shared: false })) it(name, run)
})

describeWith(['kafka'], 'kafka', () => {
  let kafka: Service
  beforeAll(async () => {
    kafka = await startKafka()
  }, 120_000)
  afterAll(() => kafka.close())
  const opened = (prefix: string, options = {}): Promise<EventLog> =>
    kafkaEventLog({
      ...{ brokers: [kafka.url], prefix, partitions: 4, replication: 1, tls: false, sasl: null },
      ...{ bufferBytes: 16 * 1024 * 1024, patienceMs: 10_000, ...options },
    })
  for (const { name, run } of eventLogCases({ ...places(opened), shared: true })) it(name, { timeout: 60_000 }, run)
})
