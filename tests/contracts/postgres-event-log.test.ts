/** The laws of the event log, held by the one in PostgreSQL. */
import { afterAll, beforeAll, it } from 'vitest'
import { postgresEventLog } from '../../src/adapters/postgres/event-log.ts'
import type { EventLog } from '../../src/ports/event-log.ts'
import { eventLogCases } from '../../src/testing/event-log.ts'
import type { Service } from '../services/index.ts'
import { describeWith, startPostgres } from '../services/index.ts'

describeWith(['postgres'], 'PostgreSQL', () => {
  let service: Service
  beforeAll(async () => {
    service = await startPostgres()
  })
  afterAll(() => service.close())
  const schemas = new WeakMap<EventLog, string>()
  let count = 0
  const opened = async (schema: string, options = {}): Promise<EventLog> => {
    const log = await postgresEventLog({
      ...{ url: service.url, password: null, schema, patienceMs: 10_000, bufferBytes: 16 * 1024 * 1024, ...options },
    })
    schemas.set(log, schema)
    return log
  }
  for (const { name, run } of eventLogCases({
    open: (options) => {
      count += 1
      return opened(`log_${count}`, options)
    },
    again: (log) => opened(schemas.get(log)!),
    shared: true,
  }))
    it(name, run)
})
