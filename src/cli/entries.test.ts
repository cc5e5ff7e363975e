/** What a line of the audit says of batches. */
import { expect, test } from 'vitest'
import type { AuditEntry } from '../api/index.ts'
import { entryTable } from './entries.ts'

const lineOf = (action: AuditEntry['action'], details: AuditEntry['details']): string => {
  const entry = {
    ...{ number: 7, id: 'i', at: 0, actor: 'sixfold', action, model: 'late', version: 3, environment: 'here' },
    ...{ reason: null, details: { batch: 'delays', run: 'r', batchVersion: 12, ...details }, previous: '', hash: '' },
  }
  return entryTable([entry]).split('\n')[2]!.replaceAll(/ {2,}/g, ' | ')
}

test.each<[AuditEntry['action'], AuditEntry['details'], string]>([
  ['batch.published', { replaces: null, verdict: 'passed', rollback: false }, "delays 12 is live in 'here'"],
  [
    'batch.published',
    { replaces: 13, verdict: 'overridden', rollback: true },
    "delays 12 is live again in 'here', in place of 13, although it was refused",
  ],
  [
    'batch.refused',
    { checks: ['Half of the rows are missing.', 'x'] },
    "delays 12 in 'here': Half of the rows are missing.",
  ],
  ['batch.refused', { checks: [] }, "delays 12 in 'here': see its report"],
  ['batch.cancelled', { from: 'scoring' }, "delays 12 in 'here'"],
  ['batch.held', {}, "delays in 'here'"],
  ['batch.released', {}, "delays in 'here'"],
  ['batch.failed', { error: { code: 'X', message: 'line\nby  line' } }, "delays 12 in 'here': line by line"],
])('%s', (action, details, words) => {
  expect(lineOf(action, details)).toBe(`7 | 1970-01-01T00:00:00.000Z | sixfold | ${action} | late 3 | ${words}`)
})
