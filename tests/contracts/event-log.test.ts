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

describe('files', () => {
  const root = mkdtempSync(join(tmpdir(), 'sixfold-log-'))
  afterAll(() => rmSync(root, { recursive: true }))
  const folders = new WeakMap<EventLog, string>()
  let count = 0
  const opened = (folder: string, options = {}): EventLog => {
    const log = fileEventLog({ folder, writable: true, ...options })
    folders.set(log, folder)
    return log
  }
  for (const { name, run } of eventLogCases({
    open: async (options) => {
      count += 1
      return opened(join(root, String(count)), options)
    },
    again: async (log) => opened(folders.get(log)!),
    shared: false,
  }))
    it(name, run)
})

describeWith(['kafka'], 'kafka', () => {
  let kafka: Service
  beforeAll(async () => {
    kafka = await startKafka()
  }, 120_000)
  afterAll(() => kafka.close())
  const prefixes = new WeakMap<EventLog, string>()
  let count = 0
  const opened = async (prefix: string, options = {}): Promise<EventLog> => {
    const log = await kafkaEventLog({
      ...{ brokers: [kafka.url], prefix, partitions: 4, replication: 1, tls: false, sasl: null },
      ...{ bufferBytes: 16 * 1024 * 1024, patienceMs: 10_000, ...options },
    })
    prefixes.set(log, prefix)
    return log
  }
  for (const { name, run } of eventLogCases({
    open: async (options) => {
      count += 1
      return await opened(`log-${count}`, options)
    },
    again: async (log) => opened(prefixes.get(log)!),
    shared: true,
  }))
    it(name, { timeout: 60_000 }, run)
})
