/** The laws of the event log, held by each adapter. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, it } from 'vitest'
import { fileEventLog } from '../../src/adapters/files/event-log.ts'
import type { EventLog } from '../../src/ports/event-log.ts'
import { eventLogCases } from '../../src/testing/event-log.ts'

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
